package platforms

var _ int = 1 << 40
