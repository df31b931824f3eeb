package main

import (
	"go/ast"
	"go/token"
	"slices"
)

// list returns the statements of a block, or of a part of a switch or select.
func list(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	}
	return nil
}

func (f *finder) inList(s ast.Stmt) bool { return slices.Contains(list(f.parent(0)), s) }

func (f *finder) stmt(s ast.Stmt) {
	raw := f.raw(s)
	instead := func(other string) string {
		return "if mutated.On(%d) {\n" + escape(other) + "\n} else {\n%s\n}"
	}
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
		f.add(s, "remove "+raw, remove)
	case *ast.IncDecStmt:
		f.add(s, "remove "+raw, remove)
		other := map[token.Token]string{token.INC: "--", token.DEC: "++"}[s.Tok]
		f.add(s, raw+" -> "+other, instead(f.raw(s.X)+other))
	case *ast.AssignStmt:
		if name, ok := s.Lhs[0].(*ast.Ident); s.Tok == token.DEFINE || ok && name.Name == "_" {
			return
		}
		f.add(s, "remove "+raw, remove)
		if op := assigned[s.Tok]; op != "" && !f.isString(s.Lhs[0]) {
			f.add(s, raw+" -> "+op, instead(f.raw(s.Lhs[0])+op+f.raw(s.Rhs[0])))
		}
	case *ast.ReturnStmt:
		if f.follows(s) {
			f.add(s, "remove "+raw, remove)
		}
	case *ast.BranchStmt:
		if other := f.branch(s); other != "" {
			if s.Label != nil {
				other += " " + s.Label.Name
			}
			f.add(s, raw+" -> "+other, instead(other))
		}
	}
}

func (f *finder) isString(e ast.Expr) bool {
	return f.pkg.TypesInfo.TypeOf(e).Underlying().String() == "string"
}

// follows reports whether other statements of the function can run if a return does not.
func (f *finder) follows(s ast.Node) bool {
	for _, around := range slices.Backward(f.stack) {
		switch around.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			return true
		}
		switch s.(type) {
		case *ast.CaseClause, *ast.CommClause: // the next one does not run
		default:
			stmts := list(around)
			if at := slices.IndexFunc(stmts, func(o ast.Stmt) bool { return o == s }); at >= 0 && at < len(stmts)-1 {
				return true
			}
		}
		s = around
	}
	return false
}

// branch returns continue for a break, and the other way round, where both are valid.
func (f *finder) branch(s *ast.BranchStmt) string {
	switch s.Tok {
	case token.CONTINUE:
		return "break"
	case token.BREAK:
	default:
		return ""
	}
	for i := len(f.stack) - 1; i >= 0; i-- {
		switch f.stack[i].(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return ""
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			if s.Label == nil {
				return ""
			}
		case *ast.ForStmt, *ast.RangeStmt:
			label, ok := f.parent(len(f.stack) - i).(*ast.LabeledStmt)
			if s.Label == nil || ok && label.Label.Name == s.Label.Name {
				return "continue"
			}
		}
	}
	return ""
}
