package leedo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestAccountsCreateGetList(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	created, err := client.Accounts.Create(t.Context(), &leedo.AccountCreateParams{
		Name: "Acme Corporation", Industry: "Technology", Website: "https://acme.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &leedo.Account{
		ID: created.ID, Name: "Acme Corporation", Industry: "Technology", Website: "https://acme.com",
		CreatedAt: created.CreatedAt, UpdatedAt: created.CreatedAt,
	}
	if diff := cmp.Diff(want, created); diff != "" || created.ID == "" || created.CreatedAt.IsZero() {
		t.Errorf("created %+v (-want +got):\n%s", created, diff)
	}
	if held := server.Accounts(); len(held) != 1 || !cmp.Equal(held[0], *created) {
		t.Errorf("the server holds %+v", held)
	}
	got, err := client.Accounts.Get(t.Context(), created.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, got); diff != "" {
		t.Errorf("got (-created +got):\n%s", diff)
	}
	server.AddAccount(leedo.Account{Name: "Bolt"})
	page, err := client.Accounts.List(t.Context(), &leedo.AccountListParams{Page: 2, PerPage: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Data) != 1 || page.Data[0].ID != created.ID || page.Meta != (leedo.PageMeta{Total: 2, Page: 2, PerPage: 1}) {
		t.Errorf("listed %+v", page)
	}
	var names []string
	for account, err := range client.Accounts.All(t.Context(), &leedo.AccountListParams{PerPage: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, account.Name)
	}
	if !cmp.Equal(names, []string{"Bolt", "Acme Corporation"}) {
		t.Errorf("walked %q", names)
	}
}

func TestAccountsThatAreNotThere(t *testing.T) {
	t.Parallel()
	account, err := leedotest.NewServer().Client().Accounts.Get(t.Context(), absentID)
	isNotFound(t, err, "/accounts/{id}")
	if account != nil {
		t.Errorf("got %+v beside the error", account)
	}
}

func TestAccountsThatTheAPIRefuses(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	account, err := server.Client().Accounts.Create(t.Context(), &leedo.AccountCreateParams{Website: "https://acme.com"})
	isBadRequest(t, err, "name")
	if account != nil || len(server.Accounts()) != 0 {
		t.Errorf("created %+v", account)
	}
}
