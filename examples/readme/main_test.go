package main

import (
	"net/http/httptest"
	"os"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example() {
	fake := leedotest.NewServer()
	fake.AddLead(leedo.Lead{Name: "Ada Example", Email: "ada@example.com"})
	fake.AddLead(leedo.Lead{Name: "John Doe", Email: "john@example.com"})
	server := httptest.NewServer(fake)
	defer server.Close()
	os.Setenv("LEEDO_BASE_URL", server.URL+"/v1")
	os.Setenv("LEEDO_API_TOKEN", fake.Token())

	main()
	// Output:
	// John Doe john@example.com
	// Ada Example ada@example.com
}
