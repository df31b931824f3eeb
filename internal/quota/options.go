package quota

import "fmt"

// DefaultRetryBudget is the part of an hour's quota that retries may take unless told
// otherwise, or leastRetries if that is more: less than the default reserve, so that
// an outage leaves that to interactive calls. TestTheSizeOfTheRetryBudget.
const DefaultRetryBudget = 0.02

// Options sets up a ledger.
type Options struct {
	Share   float64 // the part of the quota that may be used here; zero means all
	Reserve float64 // the part that bulk leaves to interactive requests; zero means the default, negative means none
	// RetryBudget is the part of the quota that retries may take; zero means
	// DefaultRetryBudget, negative no bound.
	RetryBudget float64
	PerSecond   float64 // an additional limit on the requests per second; zero means no limit
	Store       Store   // shares the quota with other processes; nil means no store
}

// Check returns what is wrong with the options.
func (o Options) Check() error {
	switch { // a NaN is in no range
	case !(o.Share >= 0 && o.Share <= 1):
		return fmt.Errorf("a Share of %v is not from 0 to 1", o.Share)
	case !(o.Reserve <= 1):
		return fmt.Errorf("a Reserve of %v is over 1", o.Reserve)
	case !(o.RetryBudget <= 1):
		return fmt.Errorf("a RetryBudget of %v is over 1", o.RetryBudget)
	case o.PerSecond != 0 && !(o.PerSecond >= 1e-5 && o.PerSecond <= 1e6):
		return fmt.Errorf("a ceiling of %v requests per second is not from 0.00001 to a million", o.PerSecond)
	}
	return nil
}
