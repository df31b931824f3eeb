module github.com/leedoapp/leedo-go/tests/vcr

go 1.26.0

require (
	github.com/leedoapp/leedo-go v0.1.0
	gopkg.in/dnaeon/go-vcr.v4 v4.0.8
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/leedoapp/leedo-go => ../..
