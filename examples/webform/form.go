package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
)

// remembered is how many forms a site remembers at least, and half of how many at most.
const remembered = 10_000

// site serves the form. It remembers what was sent, so that a form that is sent twice
// creates one lead. A database would remember it after a restart, too.
type site struct {
	client       *leedo.Client
	mu           sync.Mutex
	sent, before map[string]*submission // by the token in the form
}

type submission struct {
	busy    chan struct{} // has a value while a request works on the submission
	outcome leedo.Outcome
	params  leedo.LeadCreateParams
	at      time.Time
}

func newSite(client *leedo.Client) http.Handler {
	s, mux := &site{client: client, sent: map[string]*submission{}}, http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { show(w, http.StatusOK, view{Token: rand.Text()}) })
	mux.HandleFunc("POST /{$}", s.post)
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 16<<10))
}

func (s *site) post(w http.ResponseWriter, r *http.Request) {
	value := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	params := leedo.LeadCreateParams{Name: value("name"), Email: value("email"), Company: value("company"), Phone: value("phone")}
	v := view{Token: value("token"), Params: params}
	sub := s.submission(v.Token)
	if sub == nil {
		http.Error(w, "The form is incomplete or too large. Nothing was sent.", http.StatusBadRequest)
		return
	}
	select { // a double click makes two requests: the second waits for the first
	case sub.busy <- struct{}{}:
		defer func() { <-sub.busy }()
	case <-r.Context().Done():
		return
	}
	if sub.outcome == leedo.OutcomeDone && params.Name != "" && params != sub.params { // Back was used
		v.Token, v.Problem = rand.Text(), "You sent this form before, with other values. To send these values as well, press Send."
		show(w, http.StatusConflict, v)
		return
	}
	// The browser may go away. That must not end a call that creates a lead.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 20*time.Second)
	defer cancel()
	err := s.send(ctx, sub, params)
	respond(w, v, sub.outcome, err)
}

// send creates the lead, unless that was done or may have been done.
func (s *site) send(ctx context.Context, sub *submission, params leedo.LeadCreateParams) (err error) {
	if sub.outcome == leedo.OutcomeNotDone { // the first time, or again after a failure
		sub.params, sub.at = params, time.Now()
		_, err = s.client.Leads.Create(ctx, &params, leedo.WithPriority(leedo.PriorityInteractive),
			leedo.WithMaxWait(2*time.Second), leedo.WithAttemptTimeout(10*time.Second))
		sub.outcome = leedo.OutcomeOf(err)
	}
	if sub.outcome == leedo.OutcomeUnknown && s.arrived(ctx, sub) {
		sub.outcome = leedo.OutcomeDone
	}
	return err
}

// arrived reports whether the lead is among the newest, which takes one request. A lead
// of the same person, created since, is taken for it. If it is not there, a slow server may
// still create it.
func (s *site) arrived(ctx context.Context, sub *submission) bool {
	for lead, err := range s.client.Leads.All(ctx, nil, leedo.WithPriority(leedo.PriorityInteractive),
		leedo.WithMaxWait(2*time.Second), leedo.WithMaxItems(100)) {
		if err != nil {
			return false
		}
		if lead.CreatedAt.After(sub.at.Add(-time.Minute)) && // clocks differ
			lead.Name == sub.params.Name && lead.Company == sub.params.Company && strings.EqualFold(lead.Email, sub.params.Email) {
			return true
		}
	}
	return false
}

// submission returns the submission with a token, or nil if the token is not one that
// the form had.
func (s *site) submission(token string) *submission {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := cmp.Or(s.sent[token], s.before[token])
	if sub == nil && len(token) == len(rand.Text()) {
		if len(s.sent) == remembered {
			s.before, s.sent = s.sent, map[string]*submission{}
		}
		sub = &submission{busy: make(chan struct{}, 1), outcome: leedo.OutcomeNotDone}
		s.sent[token] = sub
	}
	return sub
}
