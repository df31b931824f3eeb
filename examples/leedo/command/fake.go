package command

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// newFake returns a fake Leedo on the Pro plan with 300 records of each resource. They
// are the same each time, so that an id can be copied from one command to the next.
// What a command changes is gone when it ends.
func newFake() *leedotest.Server {
	var last atomic.Int64
	fake := leedotest.NewServer(leedotest.WithPlan(leedotest.Pro), leedotest.WithIDs(func() string {
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", last.Add(1))
	}))
	first := []string{"Ada", "Björn", "Chloé", "Дмитрий", "Ελένη", "فاطمة", "Giulia", "花子", "İpek", "지우"}
	family := []string{"Lovelace", "Ångström", "Dupont", "Иванов", "Παπαδοπούλου", "حسن", "Rossi", "山田", "Yılmaz", "김"}
	industries := []string{"Technology", "Retail", "Health", "Energy"}
	roles := []string{"Product Manager", "Chief Executive", "Buyer"}
	statuses := []leedo.LeadStatus{leedo.LeadStatusNew, leedo.LeadStatusQualified}
	for i := range 300 {
		name := first[i%len(first)] + " " + family[i/len(first)%len(family)]
		at := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		account := fake.AddAccount(leedo.Account{
			Name: fmt.Sprintf("Company %d", i+1), Industry: industries[i%len(industries)],
			Website: fmt.Sprintf("https://company%d.example", i+1), CreatedAt: at,
		})
		fake.AddLead(leedo.Lead{
			Name: name, Email: fmt.Sprintf("lead%d@example.com", i+1), Company: account.Name,
			Phone: fmt.Sprintf("+1555%07d", i+1), Status: statuses[i%len(statuses)], CreatedAt: at,
		})
		fake.AddContact(leedo.Contact{
			Name: name, Email: fmt.Sprintf("contact%d@example.com", i+1),
			Role: roles[i%len(roles)], AccountID: account.ID, CreatedAt: at,
		})
		fake.AddCampaign(leedo.Campaign{Name: fmt.Sprintf("Campaign %d", i+1), LeadsCount: i % 40, CreatedAt: at})
	}
	return fake
}
