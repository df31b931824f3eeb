package main

import (
	"bytes"
	"fmt"
	"go/format"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// render returns the exported API of a package as Go declarations, without bodies,
// values of variables and comments, sorted by name. It omits unexported names, but keeps
// their effects: whether a struct is comparable, and whether other packages can implement
// an interface.
func render(pkg *types.Package) ([]byte, error) {
	r := &renderer{pkg: pkg, imports: map[string]bool{}}
	kinds := map[byte][]types.Object{}
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		kind := types.ObjectString(obj, nil)[0] // const, func, type, var
		kinds[kind] = append(kinds[kind], obj)
	}
	for _, kind := range []byte("cvft") {
		for _, obj := range kinds[kind] {
			r.object(obj)
		}
	}

	var out bytes.Buffer
	fmt.Fprintf(&out, "// The exported API of %s, without comments.\n", pkg.Path())
	fmt.Fprintf(&out, "// Written by .ci/api-snapshot and compared by .ci/run.\n\n")
	fmt.Fprintf(&out, "package %s\n\n", pkg.Name())
	for _, path := range slices.Sorted(maps.Keys(r.imports)) {
		fmt.Fprintf(&out, "import %q\n", path)
	}
	out.Write(r.body.Bytes())
	return format.Source(out.Bytes())
}

type renderer struct {
	pkg     *types.Package
	imports map[string]bool
	body    bytes.Buffer
}

func (r *renderer) line(text string, args ...any) {
	fmt.Fprintf(&r.body, text+"\n", args...)
}

// qualify returns the name of another package in the text, and imports the package.
func (r *renderer) qualify(p *types.Package) string {
	if p == r.pkg {
		return ""
	}
	r.imports[p.Path()] = true
	return p.Name()
}

func (r *renderer) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		typ := types.TypeString(obj.Type(), r.qualify)
		if strings.HasPrefix(typ, "untyped ") {
			typ = ""
		}
		r.line("\nconst %s %s = %s", obj.Name(), typ, obj.Val().ExactString())
	case *types.TypeName:
		r.typeName(obj)
	default:
		r.line("\n%s", types.ObjectString(obj, r.qualify))
	}
}

func (r *renderer) typeName(obj *types.TypeName) {
	named, ok := obj.Type().(*types.Named)
	if !ok || obj.IsAlias() {
		r.line("\n%s", types.ObjectString(obj, r.qualify))
		return
	}
	head := "\ntype " + obj.Name() + r.typeParams(named.TypeParams())
	switch t := named.Underlying().(type) {
	case *types.Struct:
		r.line("%s struct {", head)
		r.fields(t)
		r.line("}")
	case *types.Interface:
		r.line("%s interface {", head)
		r.methods(obj.Name(), t)
		r.line("}")
	default:
		r.line("%s %s", head, types.TypeString(t, r.qualify))
	}
	methods := slices.SortedFunc(named.Methods(), func(a, b *types.Func) int {
		return strings.Compare(a.Name(), b.Name())
	})
	for _, m := range methods {
		if m.Exported() {
			recv := m.Signature().Recv()
			r.line("func (%s %s) %s", recv.Name(), types.TypeString(recv.Type(), r.qualify), r.signature(m))
		}
	}
}

func (r *renderer) typeParams(list *types.TypeParamList) string {
	var params []string
	for p := range list.TypeParams() {
		params = append(params, p.Obj().Name()+" "+types.TypeString(p.Constraint(), r.qualify))
	}
	if params == nil {
		return ""
	}
	return "[" + strings.Join(params, ", ") + "]"
}

// fields writes the exported fields, and one blank field for all unexported ones.
func (r *renderer) fields(t *types.Struct) {
	hidden, equal := false, true
	for i := range t.NumFields() {
		f := t.Field(i)
		if !f.Exported() {
			hidden = true
			equal = equal && types.Comparable(f.Type())
			continue
		}
		name, tag := f.Name(), ""
		if f.Embedded() {
			name = ""
		}
		if t.Tag(i) != "" {
			tag = strconv.Quote(t.Tag(i))
			if strconv.CanBackquote(t.Tag(i)) {
				tag = "`" + t.Tag(i) + "`"
			}
		}
		r.line("%s %s %s", name, types.TypeString(f.Type(), r.qualify), tag)
	}
	switch {
	case hidden && equal:
		r.line("_ struct{} // unexported fields")
	case hidden:
		r.line("_ []struct{} // unexported fields, not comparable")
	}
}

// methods writes the interface's embedded types and exported methods, and one unexported
// method for all others, with a name that no other interface has.
func (r *renderer) methods(name string, t *types.Interface) {
	for e := range t.EmbeddedTypes() {
		r.line("%s", types.TypeString(e, r.qualify))
	}
	hidden := false
	for m := range t.ExplicitMethods() {
		if m.Exported() {
			r.line("%s", r.signature(m))
		} else {
			hidden = true
		}
	}
	if hidden {
		r.line("unexported%s()", name)
	}
}

func (r *renderer) signature(m *types.Func) string {
	var b bytes.Buffer
	types.WriteSignature(&b, m.Signature(), r.qualify)
	return m.Name() + b.String()
}
