package main

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"regexp"
	"slices"
	"strings"
)

// maxLines is how many lines a doc comment may have. Package comments may have
// more, as they teach, and so may those in long.
const maxLines = 16

// long are the names whose doc comments may be longer, with the reason.
var long = map[string]string{
	"Client.Do": "it takes the place of the methods that the package lacks, and of their comments",
}

// docComment is one doc comment.
type docComment struct {
	of     string // what it documents: "F", "T", "T.M" for methods and fields, "package p"
	group  *ast.CommentGroup
	public bool // it documents an exported name, or the package
}

// commentsOf returns the doc comments of a file.
func commentsOf(file *ast.File) []docComment {
	all := []docComment{{"package " + file.Name.Name, file.Doc, true}}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d) + "." + name
			}
			all = append(all, docComment{name, d.Doc, exported(name)})
		case *ast.GenDecl:
			all = append(all, commentsOfSpecs(d)...)
		}
	}
	return slices.DeleteFunc(all, func(d docComment) bool { return d.group == nil })
}

func commentsOfSpecs(d *ast.GenDecl) []docComment {
	var all []docComment
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			name := s.Name.Name
			all = append(all, docComment{name, s.Doc, exported(name)}, docComment{name, s.Comment, exported(name)})
			ast.Inspect(s.Type, func(n ast.Node) bool {
				if f, ok := n.(*ast.Field); ok {
					of := name
					if len(f.Names) > 0 {
						of += "." + f.Names[0].Name
					}
					all = append(all, docComment{of, f.Doc, exported(of)}, docComment{of, f.Comment, exported(of)})
				}
				return true
			})
		case *ast.ValueSpec:
			name := s.Names[0].Name
			all = append(all, docComment{name, s.Doc, exported(name)}, docComment{name, s.Comment, exported(name)})
		}
	}
	if len(all) > 0 { // the comment of a group, or of the only one
		all = append(all, docComment{all[0].of, d.Doc, all[0].public})
	}
	return all
}

// exported reports whether all parts of a name such as "T.M" are exported.
func exported(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if !ast.IsExported(part) {
			return false
		}
	}
	return true
}

// checkComments checks the comments of the files of one package.
func (c *checker) checkComments(dir string, files []*ast.File) error {
	var all []docComment
	for _, file := range files {
		all = append(all, commentsOf(file)...)
	}
	pkg, err := doc.NewFromFiles(c.fset, files, dir) // which takes the files apart
	if err != nil {
		return err
	}
	for _, d := range all {
		c.comments++
		c.length(d)
		parsed := pkg.Parser().Parse(d.group.Text())
		c.codeBlocks(d, parsed.Content)
		if d.public {
			if err := c.checkLinks(dir, d, parsed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) length(d docComment) {
	lines := c.fset.Position(d.group.End()).Line - c.fset.Position(d.group.Pos()).Line + 1
	if lines > maxLines && long[d.of] == "" && !strings.HasPrefix(d.of, "package ") {
		c.problem(d.group.Pos(), "the comment of %s has %d lines, %d are allowed", d.of, lines, maxLines)
	}
}

// linkInCode matches a doc link in a code block, but no index and no type argument.
var linkInCode = regexp.MustCompile(`(^|[^\w\])])\[(\*|(\w+\.)*[A-Z]\w*\]([^\w(\[{*]|$))`)

// codeBlocks finds lists that are rendered as code, as an indented list is right
// after an indented example: their links are lost.
func (c *checker) codeBlocks(d docComment, blocks []comment.Block) {
	for _, block := range blocks {
		code, ok := block.(*comment.Code)
		if !ok {
			continue
		}
		for line := range strings.SplitSeq(code.Text, "\n") {
			if linkInCode.MatchString(line) {
				c.problem(d.group.Pos(), "the comment of %s has a link in a code block: %s", d.of, strings.TrimSpace(line))
			}
		}
	}
}
