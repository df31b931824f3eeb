package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
)

// What an operator becomes, besides the negation of comparisons.
var (
	boundary = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}
	negated  = map[token.Token]string{token.LSS: ">=", token.LEQ: ">", token.GTR: "<=", token.GEQ: "<", token.EQL: "!=", token.NEQ: "=="}
	logical  = map[token.Token]string{token.LAND: "||", token.LOR: "&&"}
	assigned = map[token.Token]string{token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=", token.MUL_ASSIGN: "/=", token.QUO_ASSIGN: "*="}
)

// arithmetic has the other operator, and the function that stands for both.
var arithmetic = map[token.Token][2]string{
	token.ADD: {"-", "Add"}, token.SUB: {"+", "Sub"}, token.MUL: {"/", "Mul"}, token.QUO: {"*", "Div"},
}

const (
	not    = "(mutated.On(%d) != (%s))"    // the opposite of a boolean
	remove = "if !mutated.On(%d) {\n%s\n}" // no statement
)

// node adds the mutants of a node, and reports whether to look inside it.
func (f *finder) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.FuncType, *ast.ArrayType, *ast.MapType, *ast.StructType, *ast.InterfaceType, *ast.FieldList:
		return false
	case *ast.FuncDecl:
		f.end(n.Type, n.Body)
	case *ast.FuncLit:
		f.end(n.Type, n.Body)
	}
	if e, ok := n.(ast.Expr); ok {
		return f.expr(e)
	}
	if s, ok := n.(ast.Stmt); ok && f.inList(s) {
		f.stmt(s)
	}
	return true
}

// end lets a function compile whose last statement is no longer a return.
func (f *finder) end(t *ast.FuncType, body *ast.BlockStmt) {
	if t.Results != nil {
		f.edit(body.Rbrace, body.Rbrace, nil, func(string) string { return `;panic("mutate: the function ends without a return")` + "\n" })
	}
}

func (f *finder) expr(e ast.Expr) bool {
	if v := f.pkg.TypesInfo.Types[e]; v.IsType() {
		return false
	} else if v.Value != nil {
		f.constant(e, v)
		return false
	}
	switch n := e.(type) {
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.UnaryExpr:
		switch n.Op {
		case token.NOT:
			f.add(n, "drop ! in "+f.raw(n), not)
		case token.SUB:
			f.add(n, f.raw(n)+" -> "+f.raw(n.X), "mutated.Negate(%d, %s)")
		}
	case *ast.Ident, *ast.CallExpr, *ast.SelectorExpr, *ast.IndexExpr:
		if f.isCondition(n) {
			f.add(n, "negate "+f.raw(n), not)
		}
	case *ast.KeyValueExpr: // keys may have to be constants, and a struct's are names
		f.stack = append(f.stack, n)
		f.visit(n.Value)
		f.stack = f.stack[:len(f.stack)-1]
		return false
	}
	f.result(e)
	return true
}

// isCondition reports whether the expression is a condition, or an operand of one.
func (f *finder) isCondition(e ast.Expr) bool {
	switch p := f.parent(0).(type) {
	case *ast.IfStmt:
		return p.Cond == e
	case *ast.ForStmt:
		return p.Cond == e
	case *ast.BinaryExpr:
		return logical[p.Op] != ""
	case *ast.CaseClause:
		s, ok := f.parent(2).(*ast.SwitchStmt)
		return ok && s.Tag == nil
	}
	return false
}

func (f *finder) binary(n *ast.BinaryExpr) {
	x, y := f.raw(n.X), f.raw(n.Y)
	either := func(op string) string { // both forms; only one is evaluated
		return "(mutated.On(%d) && (" + escape(x) + op + escape(y) + ") || !mutated.On(%d) && (%s))"
	}
	if op := logical[n.Op]; op != "" {
		f.add(n, f.raw(n)+" -> "+op, either(op))
	}
	if op := negated[n.Op]; op != "" {
		f.add(n, f.raw(n)+" -> "+op, not)
	}
	if op := boundary[n.Op]; op != "" {
		f.add(n, f.raw(n)+" -> "+op, either(op))
	}
	t, ok := f.pkg.TypesInfo.TypeOf(n).Underlying().(*types.Basic)
	if op := arithmetic[n.Op]; ok && t.Info()&types.IsNumeric != 0 && op[0] != "" {
		m := f.add(n, f.raw(n)+" -> "+op[0], "mutated."+op[1]+"(%d, %s)")
		f.edit(n.OpPos, n.OpPos+1, m, func(string) string { return "," })
	}
}

func (f *finder) constant(e ast.Expr, v types.TypeAndValue) {
	switch p := f.parent(0).(type) {
	case *ast.CallExpr:
		// A capacity changes nothing but speed, as the first length of a map does.
		if name, ok := p.Fun.(*ast.Ident); ok && name.Name == "make" {
			return
		}
	case *ast.KeyValueExpr:
		if p.Key == e {
			return
		}
	}
	if v.Value.Kind() == constant.String && constant.StringVal(v.Value) != "" {
		f.result(e)
		return
	}
	t, ok := v.Type.Underlying().(*types.Basic)
	if !ok || t.Info()&types.IsUntyped != 0 {
		return
	}
	name := f.typeName(v.Type)
	if name == "" {
		return
	}
	named, _ := types.Unalias(v.Type).(*types.Named)
	isDuration := named != nil && named.Obj().Name() == "Duration"
	raw := f.raw(e)
	switch {
	case v.Value.Kind() == constant.Bool:
		f.add(e, "negate "+raw, not)
	case t.Info()&types.IsNumeric == 0 || t.Info()&types.IsComplex != 0:
	case constant.Sign(v.Value) != 0 && (isDuration || t.Info()&types.IsFloat != 0):
		f.add(e, raw+" -> twice", "mutated.Twice["+name+"](%d, %s)")
	default:
		f.add(e, raw+" -> + 1", "mutated.Plus["+name+"](%d, %s)")
		f.add(e, raw+" -> - 1", "mutated.Minus["+name+"](%d, %s)")
	}
}

// result replaces a result of a return statement by the zero value.
func (f *finder) result(e ast.Expr) {
	r, ok := f.parent(0).(*ast.ReturnStmt)
	if id, isName := e.(*ast.Ident); !ok || isName && id.Name == "nil" {
		return
	}
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 {
		return
	}
	var declared []ast.Expr
	for i := len(f.stack) - 1; i >= 0 && declared == nil; i-- {
		switch fn := f.stack[i].(type) {
		case *ast.FuncDecl:
			declared = flatten(fn.Type.Results)
		case *ast.FuncLit:
			declared = flatten(fn.Type.Results)
		}
	}
	if len(declared) != len(r.Results) {
		return
	}
	for i, have := range r.Results {
		if have == e {
			f.add(e, "return "+f.raw(e)+" -> zero", "mutated.Zero["+escape(f.raw(declared[i]))+"](%d, %s)")
		}
	}
}

// flatten returns the type of each result.
func flatten(list *ast.FieldList) []ast.Expr {
	var out []ast.Expr
	for _, field := range list.List {
		for range max(1, len(field.Names)) {
			out = append(out, field.Type)
		}
	}
	return out
}
