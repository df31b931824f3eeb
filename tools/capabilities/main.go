// Command capabilities checks what packages can do besides computing, by every name of
// the standard library that they use:
//
//	capabilities [-root DIR] PACKAGE...
//
// They reach the network through net/http only, touch no file, start no process, read
// no environment variable but those of the SDK, and have no unsafe code, cgo or assembly
// (and so no linkname, which needs package unsafe). allowed.go has the packages and names
// that may be used; anything else of the standard library is a problem, and so is a package
// of the same module that is not checked. Other modules are not its concern: .ci/imports
// says which may be imported. What is reached by reflection or through values of the
// caller has no name, and is not seen.
//
// Files for other platforms are checked, too, on a platform that has them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// platforms are those on which a file may be checked, this one first.
var platforms = []string{runtime.GOOS, "linux", "plan9", "windows", "js"}

func main() {
	root := flag.String("root", ".", "directory of the module")
	flag.Parse()
	summary, err := run(*root, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(summary)
}

// run checks the packages, and returns what it has checked or all problems.
func run(root string, patterns []string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	c := &checker{root: root, packages: map[string]bool{}, files: map[string]bool{}, used: map[string]bool{}, problems: map[string]bool{}}
	ignored := map[string]string{} // the package of each file that was not checked yet
	for i, platform := range platforms {
		if i > 0 && platform == runtime.GOOS {
			continue
		}
		pkgs, err := load(root, platform, patterns)
		if err != nil {
			return "", err
		}
		for _, pkg := range pkgs {
			c.packages[pkg.PkgPath] = true
		}
		for _, pkg := range pkgs {
			c.check(pkg)
			for _, file := range pkg.IgnoredFiles {
				if !strings.HasSuffix(file, "_test.go") {
					ignored[file] = pkg.PkgPath
				}
			}
		}
		maps.DeleteFunc(ignored, func(file, _ string) bool { return c.files[file] })
		if len(ignored) == 0 {
			break
		}
		patterns = slices.Compact(slices.Sorted(maps.Values(ignored)))
	}
	for file := range ignored {
		c.add(file, " is built on none of the platforms that are checked")
	}
	if len(c.problems) > 0 {
		return "", errors.New(strings.Join(slices.Sorted(maps.Keys(c.problems)), "\n"))
	}
	if len(c.files) == 0 {
		return "", errors.New("no files")
	}
	return fmt.Sprintf("%d files; of packages that can do more they use %d names: %s",
		len(c.files), len(c.used), strings.Join(slices.Sorted(maps.Keys(c.used)), " ")), nil
}

func load(root, platform string, patterns []string) ([]*packages.Package, error) {
	config := &packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedSyntax |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedExportFile | packages.NeedModule,
		Dir: root,
	}
	if platform != runtime.GOOS {
		config.Env = append(os.Environ(), "GOOS="+platform, "GOARCH=amd64", "CGO_ENABLED=0")
		if platform == "js" {
			config.Env = append(config.Env, "GOARCH=wasm")
		}
	}
	pkgs, err := packages.Load(config, patterns...)
	if err != nil {
		return nil, err
	}
	for _, pkg := range pkgs {
		for _, err := range pkg.Errors {
			return nil, err
		}
	}
	return pkgs, nil
}

// checker checks packages. Each problem is one line that begins with a position.
type checker struct {
	root     string
	pkg      *packages.Package
	packages map[string]bool // paths of those that are checked
	files    map[string]bool // that were checked
	used     map[string]bool // names of the packages in only
	problems map[string]bool
}

func (c *checker) problem(pos token.Pos, format string, args ...any) {
	at := c.pkg.Fset.Position(pos)
	c.add(at.Filename, "%d: %s", at.Line, fmt.Sprintf(format, args...))
}

// add adds a problem of a file.
func (c *checker) add(file, format string, args ...any) {
	if short, err := filepath.Rel(c.root, file); err == nil {
		file = short
	}
	c.problems[fmt.Sprintf("%s:"+format, append([]any{file}, args...)...)] = true
}

func (c *checker) check(pkg *packages.Package) {
	c.pkg = pkg
	for _, file := range pkg.OtherFiles {
		c.add(file, " is not Go")
	}
	for _, file := range pkg.GoFiles {
		c.files[file] = true
	}
	for _, file := range pkg.Syntax {
		for _, spec := range file.Imports {
			c.imports(spec)
		}
		called := map[*ast.Ident]string{} // names of functions that are called with one constant string
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body == nil { // as with go:wasmimport
					c.problem(n.Pos(), "%s has no body", n.Name.Name)
				}
			case *ast.CallExpr:
				if fun, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 1 {
					called[fun.Sel] = c.text(n.Args[0])
				}
			case *ast.Ident:
				c.name(n, called[n])
			}
			return true
		})
	}
}

// text returns an argument that is a constant string, or "".
func (c *checker) text(arg ast.Expr) string {
	if value := c.pkg.TypesInfo.Types[arg].Value; value != nil && value.Kind() == constant.String {
		return constant.StringVal(value)
	}
	return ""
}

// only returns the names of a package that may be used, if it has such a list.
func (c *checker) only(path string) ([]string, bool) {
	names, ok := only[path]
	if further := fake[path]; further != nil && strings.HasSuffix(c.pkg.PkgPath, "/leedotest") {
		return slices.Concat(names, further), true
	}
	return names, ok
}

// listed reports whether a package may be used, or some of its names.
func (c *checker) listed(path string) bool {
	_, most := except[path]
	_, some := c.only(path)
	return some || most || slices.Contains(pure, path)
}

// imports checks an import.
func (c *checker) imports(spec *ast.ImportSpec) {
	path, _ := strconv.Unquote(spec.Path.Value)
	switch {
	case strings.HasPrefix(path+"/", c.pkg.Module.Path+"/"):
		if !c.packages[path] {
			c.problem(spec.Pos(), "imports %s, which is not checked", path)
		}
	case !otherModule(path) && !c.listed(path):
		c.problem(spec.Pos(), "imports %s, which is not in tools/capabilities/allowed.go", path)
	}
}

// otherModule reports whether a package is outside the standard library.
func otherModule(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

// name checks a use of a name. arg is the constant string that it is called with, if any.
func (c *checker) name(id *ast.Ident, arg string) {
	object := c.pkg.TypesInfo.Uses[id]
	if _, ok := object.(*types.Builtin); ok && strings.HasPrefix(id.Name, "print") {
		c.problem(id.Pos(), "%s prints", id.Name)
	}
	if object == nil || object.Pkg() == nil {
		return
	}
	path, name := object.Pkg().Path(), qualified(object)
	if args, ok := with[path+"."+name]; ok && !slices.Contains(args, arg) {
		c.problem(id.Pos(), "%s.%s must be called with one of %q as a constant", path, name, args)
	}
	if slices.Contains(except[path], name) {
		c.problem(id.Pos(), "uses %s.%s, which tools/capabilities/allowed.go excludes", path, name)
	}
	names, some := c.only(path)
	owner, _, _ := strings.Cut(name, ".") // what a type has may be used with it
	switch {
	case some && slices.Contains(names, owner):
		c.used[path+"."+owner] = true
	case some, !otherModule(path) && !c.listed(path): // a method can be used without an import of its package
		c.problem(id.Pos(), "uses %s.%s, which is not in tools/capabilities/allowed.go", path, name)
	}
}

// qualified returns the name of an object, after that of the type that it belongs to.
func qualified(object types.Object) string {
	switch o := object.(type) {
	case *types.Func:
		if recv := o.Signature().Recv(); recv != nil {
			typ := recv.Type()
			if p, ok := typ.(*types.Pointer); ok {
				typ = p.Elem()
			}
			if named, ok := typ.(*types.Named); ok {
				return named.Obj().Name() + "." + o.Name()
			}
			return "?." + o.Name()
		}
	case *types.Var:
		if o.IsField() {
			return fieldOwner(o) + "." + o.Name()
		}
	}
	return object.Name()
}

// fieldOwner returns the name of the type of the package that declares a field.
func fieldOwner(field *types.Var) string {
	scope := field.Pkg().Scope()
	for _, name := range scope.Names() {
		structure, ok := scope.Lookup(name).Type().Underlying().(*types.Struct)
		if !ok {
			continue
		}
		for f := range structure.Fields() {
			if f.Origin() == field.Origin() {
				return name
			}
		}
	}
	return "?"
}

// words returns the words of a text.
func words(text string) []string { return strings.Fields(text) }
