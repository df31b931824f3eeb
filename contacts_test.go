package leedo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestContactsCreateList(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	account := server.AddAccount(leedo.Account{Name: "Acme Corporation"})
	created, err := client.Contacts.Create(t.Context(), &leedo.ContactCreateParams{
		Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager", AccountID: account.ID,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &leedo.Contact{
		ID: created.ID, Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager", AccountID: account.ID,
		CreatedAt: created.CreatedAt, UpdatedAt: created.CreatedAt,
	}
	if diff := cmp.Diff(want, created); diff != "" || created.ID == "" || created.CreatedAt.IsZero() {
		t.Errorf("created %+v (-want +got):\n%s", created, diff)
	}
	if held := server.Contacts(); len(held) != 1 || !cmp.Equal(held[0], *created) {
		t.Errorf("the server holds %+v", held)
	}
	server.AddContact(leedo.Contact{Name: "Al"})
	page, err := client.Contacts.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Data) != 2 || page.Data[0].Name != "Al" || page.Data[0].AccountID != "" || page.Data[1].AccountID != account.ID {
		t.Errorf("listed %+v", page)
	}
	rows := 0
	for page, err := range client.Contacts.Pages(t.Context(), &leedo.ContactListParams{PerPage: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		rows += len(page.Data)
	}
	for contact, err := range client.Contacts.All(t.Context(), nil) {
		if err != nil || contact.ID == "" {
			t.Fatal(contact, err)
		}
		rows++
	}
	if rows != 4 {
		t.Errorf("walked %d rows", rows)
	}
}

func TestContactsThatTheAPIRefuses(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	contact, err := client.Contacts.Create(t.Context(), &leedo.ContactCreateParams{Email: "jane@acme.com"})
	isBadRequest(t, err, "name")
	if contact != nil {
		t.Errorf("got %+v beside the error", contact)
	}
	_, err = client.Contacts.Create(t.Context(), &leedo.ContactCreateParams{Name: "Jane", AccountID: absentID})
	isBadRequest(t, err, "account_id")
	if held := server.Contacts(); len(held) != 0 {
		t.Errorf("created %+v", held)
	}
}
