package quota

import "fmt"

// DefaultRetryBudget is the part of an hour's quota that retries may take by
// default, or leastRetries if that is more. It is less than the default reserve, so
// that an outage leaves the reserve to interactive calls.
// TestTheSizeOfTheRetryBudget.
const DefaultRetryBudget = 0.02

// Options configures a ledger.
type Options struct {
	Share   float64 // the part of the quota that this process may use; zero means all
	Reserve float64 // the part that bulk leaves to interactive requests; zero means the default, negative means no reserve
	// RetryBudget is the part of the quota that retries may take; zero means
	// DefaultRetryBudget, negative means no bound.
	RetryBudget float64
	PerSecond   float64 // an additional limit on the requests per second; zero means no limit
	Store       Store   // shares the quota with other processes; nil means no store
}

// Check returns what is wrong with the options.
func (o Options) Check() error {
	switch { // written so that NaN fails, too
	case !(o.Share >= 0 && o.Share <= 1):
		return fmt.Errorf("RateLimiterOptions.Share: %v is not between 0 and 1", o.Share)
	case !(o.Reserve <= 1):
		return fmt.Errorf("RateLimiterOptions.Reserve: %v is not 1 or less", o.Reserve)
	case !(o.RetryBudget <= 1):
		return fmt.Errorf("RateLimiterOptions.RetryBudget: %v is not 1 or less", o.RetryBudget)
	case o.PerSecond != 0 && !(o.PerSecond >= 1e-5 && o.PerSecond <= 1e6):
		return fmt.Errorf("RateLimiterOptions.RequestsPerSecond: %v is neither zero nor between 0.00001 and 1000000", o.PerSecond)
	}
	return nil
}
