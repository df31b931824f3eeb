package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// fields is what APIError.Fields is compared with.
type fields = map[string][]string

// problems are error bodies as frameworks and public APIs send them.
var problems = []struct {
	name, body    string
	code, message string
	fields        fields
}{
	{
		"by field under message", `{"message":{"email":["is invalid","is too long"]}}`,
		"", "email: is invalid, is too long", fields{"email": {"is invalid", "is too long"}},
	},
	{
		"by field under error", `{"error":{"email":["is invalid"]}}`,
		"", "email: is invalid", fields{"email": {"is invalid"}},
	},
	{
		"a list under message", `{"error":{"code":"invalid","message":["name is empty","email is invalid"]}}`,
		"invalid", "name is empty; email is invalid", nil,
	},
	{
		"by field at the top", `{"email":["is no address"]}`,
		"", "email: is no address", fields{"email": {"is no address"}},
	},
	{
		"a list at the top", `[{"message":"a lead has this address","errorCode":"TWICE"}]`,
		"TWICE", "a lead has this address", nil,
	},
	{
		"by field under detail", `{"detail":{"status":"is unknown","email":["is invalid"]}}`,
		"", "email: is invalid; status: is unknown", fields{"email": {"is invalid"}, "status": {"is unknown"}},
	},
	{
		"by field under details", `{"code":"invalid","message":"Not saved","details":{"title":["is short"]}}`,
		"invalid", "Not saved: title: is short", fields{"title": {"is short"}},
	},
	{
		"Laravel", `{"message":"The given data was invalid.","errors":{"email":["The email has already been taken."],"name":["The name field is required.","The name is short."]}}`,
		"", "The given data was invalid. email: The email has already been taken. name: The name field is required. The name is short.",
		fields{"email": {"The email has already been taken."}, "name": {"The name field is required.", "The name is short."}},
	},
	{
		"Laravel with one error", `{"message":"The email has already been taken.","errors":{"email":["The email has already been taken."]}}`,
		"", "email: The email has already been taken.", fields{"email": {"The email has already been taken."}},
	},
	{
		"Rails", `{"errors":{"email":["can't be blank","is invalid"],"base":["Leads are read-only today"],"description":["is too long"]}}`,
		"", "Leads are read-only today: description: is too long; email: can't be blank, is invalid",
		fields{"email": {"can't be blank", "is invalid"}, "description": {"is too long"}},
	},
	{
		"Rails with full messages", `{"status":422,"error":"Unprocessable Entity","errors":["Email can't be blank","Name is too short"]}`,
		"", "Email can't be blank; Name is too short", nil,
	},
	{
		"Phoenix", `{"errors":{"detail":"Not Found"}}`,
		"", "Not Found", nil,
	},
	{
		"Django REST framework", `{"non_field_errors":["Passwords do not match."],"email":["Enter a valid email address."],"address":{"city":["This field is required."]}}`,
		"", "Passwords do not match. address.city: This field is required. email: Enter a valid email address.",
		fields{"email": {"Enter a valid email address."}, "address.city": {"This field is required."}},
	},
	{
		"Django REST framework, a status", `{"status":["\"x\" is not a valid choice."]}`,
		"", `status: "x" is not a valid choice.`, fields{"status": {`"x" is not a valid choice.`}},
	},
	{
		"Django REST framework, detail", `{"detail":"Authentication credentials were not provided.","code":"not_authenticated"}`,
		"not_authenticated", "Authentication credentials were not provided.", nil,
	},
	{
		"Django REST framework, full details", `{"email":[{"message":"This field is required.","code":"required"}]}`,
		"required", "email: This field is required.", fields{"email": {"This field is required."}},
	},
	{
		"Django forms", `{"__all__":[{"message":"Too many leads","code":""}],"email":[{"message":"Enter a valid email address","code":"invalid"}]}`,
		"invalid", "Too many leads: email: Enter a valid email address", fields{"email": {"Enter a valid email address"}},
	},
	{
		"FastAPI", `{"detail":[{"type":"missing","loc":["body","email"],"msg":"Field required","input":{"name":"John Doe"}},{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer","input":"x"}]}`,
		"missing", "email: Field required; page: Input should be a valid integer",
		fields{"email": {"Field required"}, "page": {"Input should be a valid integer"}},
	},
	{
		"FastAPI, a list in the body", `{"detail":[{"loc":["body","leads",0,"name"],"msg":"field required","type":"value_error.missing"}]}`,
		"value_error.missing", "leads.0.name: field required", fields{"leads.0.name": {"field required"}},
	},
	{
		"JSON:API", `{"errors":[{"status":"422","code":"blank","title":"Invalid attribute","detail":"must not be blank","source":{"pointer":"/data/attributes/email"}},{"status":"400","title":"Invalid query","source":{"parameter":"include"}}],"jsonapi":{"version":"1.1"}}`,
		"blank", "email: must not be blank; include: Invalid query", fields{"email": {"must not be blank"}, "include": {"Invalid query"}},
	},
	{
		"RFC 9457", `{"type":"https://leedo.app/problems/validation-error","title":"Your request is not valid.","status":422,"instance":"/leads/7","errors":[{"detail":"must be a positive integer","pointer":"#/age"},{"detail":"must be green or red","pointer":"#/profile/color"}]}`,
		"validation-error", "Your request is not valid. age: must be a positive integer; profile.color: must be green or red",
		fields{"age": {"must be a positive integer"}, "profile.color": {"must be green or red"}},
	},
	{
		"RFC 7807", `{"type":"about:blank","title":"Bad input","status":400,"invalid-params":[{"name":"age","reason":"must be positive"}]}`,
		"", "Bad input: age: must be positive", fields{"age": {"must be positive"}},
	},
	{
		"ASP.NET", `{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"One or more validation errors occurred.","status":400,"errors":{"Email":["The Email field is required."],"$.age":["The JSON value could not be converted"]},"traceId":"00-4b-00"}`,
		"", "One or more validation errors occurred. age: The JSON value could not be converted; Email: The Email field is required.",
		fields{"Email": {"The Email field is required."}, "age": {"The JSON value could not be converted"}},
	},
	{
		"ASP.NET Web API 2", `{"Message":"The request is invalid.","ModelState":{"lead.Email":["An address is required."]}}`,
		"", "The request is invalid. lead.Email: An address is required.", fields{"lead.Email": {"An address is required."}},
	},
	{
		"RFC 6749", `{"error":"invalid_grant","error_description":"The refresh token expired","error_uri":"https://leedo.app/docs"}`,
		"invalid_grant", "The refresh token expired", nil,
	},
	{
		"Spring Boot", `{"timestamp":"2025-10-01T12:00:00.000+00:00","status":404,"error":"Not Found","path":"/v1/leads"}`,
		"", "Not Found", nil,
	},
	{
		"Spring Boot with binding errors", `{"timestamp":"2025-10-01T12:00:00Z","status":400,"error":"Bad Request","message":"Validation failed for object='lead'","errors":[{"codes":["NotBlank.lead.email"],"defaultMessage":"must not be blank","objectName":"lead","field":"email","rejectedValue":"","code":"NotBlank"}],"path":"/v1/leads"}`,
		"NotBlank", "Validation failed for object='lead': email: must not be blank", fields{"email": {"must not be blank"}},
	},
	{
		"Salesforce", `[{"message":"invalid email address: x","errorCode":"INVALID_EMAIL_ADDRESS","fields":["Email"]},{"message":"Required fields are missing: [LastName, Company]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName","Company"]}]`,
		"INVALID_EMAIL_ADDRESS", "Email: invalid email address: x; Required fields are missing: [LastName, Company]", fields{"Email": {"invalid email address: x"}},
	},
	{
		"GitHub", `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}],"documentation_url":"https://docs.github.com"}`,
		"missing_field", "Validation Failed: title: missing_field", fields{"title": {"missing_field"}},
	},
	{
		"Google", `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"lead.email","description":"is no address"},{"field":"lead.name","description":"is empty"}]}]}}`,
		"400", "Request contains an invalid argument. lead.email: is no address; lead.name: is empty",
		fields{"lead.email": {"is no address"}, "lead.name": {"is empty"}},
	},
	{
		"Zendesk", `{"error":"RecordInvalid","description":"Record validation errors","details":{"email":[{"description":"Email: x is not properly formatted","error":"InvalidFormat"}]}}`,
		"RecordInvalid", "Record validation errors: email: Email: x is not properly formatted", fields{"email": {"Email: x is not properly formatted"}},
	},
	{
		"Mongoose", `{"errors":{"email":{"name":"ValidatorError","message":"Path ` + "`email`" + ` is required.","properties":{"message":"Path is required","type":"required","path":"email"},"kind":"required","path":"email"}},"_message":"Lead validation failed","name":"ValidationError","message":"Lead validation failed"}`,
		"", "Lead validation failed: email: Path `email` is required.", fields{"email": {"Path `email` is required."}},
	},
	{
		"Joi", `{"name":"ValidationError","details":[{"message":"\"address.city\" is required","path":["address","city"],"type":"any.required","context":{"label":"address.city","key":"city","value":"John Doe"}}],"_original":{"name":"John Doe"}}`,
		"any.required", `address.city: "address.city" is required`, fields{"address.city": {`"address.city" is required`}},
	},
	{
		"zod", `{"success":false,"error":{"issues":[{"code":"invalid_type","expected":"string","received":"undefined","path":["email"],"message":"Required"}],"name":"ZodError"}}`,
		"invalid_type", "email: Required", fields{"email": {"Required"}},
	},
	{
		"zod, flattened", `{"error":{"formErrors":["Too many leads"],"fieldErrors":{"name":["Required"],"title":["Too short","No capitals"]}}}`,
		"", "name: Required; title: Too short, No capitals; Too many leads", fields{"name": {"Required"}, "title": {"Too short", "No capitals"}},
	},
	{
		"Stripe", `{"error":{"type":"card_error","code":"incorrect_number","message":"Your card number is incorrect.","param":"number","doc_url":"https://stripe.com/docs"}}`,
		"incorrect_number", "number: Your card number is incorrect.", fields{"number": {"Your card number is incorrect."}},
	},
	{
		"OpenAI", `{"error":{"message":"No such model","type":"invalid_request_error","param":null,"code":null}}`,
		"invalid_request_error", "No such model", nil,
	},
	{
		"NestJS", `{"statusCode":400,"message":["name should not be empty","email must be an email"],"error":"Bad Request"}`,
		"", "name should not be empty; email must be an email", nil,
	},
	{
		"NestJS with the errors of class-validator", `{"statusCode":400,"message":[{"target":{"email":"Jane Doe"},"value":"Jane Doe","property":"email","children":[],"constraints":{"isEmail":"email must be an email","maxLength":"email is too long"}},{"property":"address","children":[{"property":"city","constraints":{"isString":"city must be a string"}}]}],"error":"Bad Request"}`,
		"", "email: email must be an email, email is too long; address.city: city must be a string",
		fields{"email": {"email must be an email", "email is too long"}, "address.city": {"city must be a string"}},
	},
	{
		"class-validator", `[{"property":"email","constraints":{"isEmail":"email must be an email"}}]`,
		"", "email: email must be an email", fields{"email": {"email must be an email"}},
	},
	{
		"hapi", `{"statusCode":400,"error":"Bad Request","message":"Invalid request payload input","validation":{"source":"payload","keys":["email"]}}`,
		"", "Invalid request payload input", nil,
	},
	{
		"Intercom", `{"type":"error.list","request_id":"r-1","errors":[{"code":"not_found","message":"User Not Found"}]}`,
		"not_found", "User Not Found", nil,
	},
	{
		"Mailchimp", `{"type":"https://mailchimp.com/developer/marketing/docs/errors/","title":"Invalid Resource","status":400,"detail":"The resource is invalid.","instance":"a-b","errors":[{"field":"email_address","message":"Please provide one."}]}`,
		"", "The resource is invalid. email_address: Please provide one.", fields{"email_address": {"Please provide one."}},
	},
	{
		"GraphQL", `{"errors":[{"message":"Not a lead","locations":[{"line":2,"column":3}],"path":["createLead","email"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":null}`,
		"BAD_USER_INPUT", "Not a lead", nil,
	},
	{
		"OData, older", `{"odata.error":{"code":"Request_BadRequest","message":{"lang":"en","value":"The lead is invalid"}}}`,
		"Request_BadRequest", "The lead is invalid", nil,
	},
	{
		"Apigee", `{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}`,
		"oauth.v2.InvalidApiKey", "Invalid ApiKey", nil,
	},
	{
		"SOAP in JSON", `{"faultcode":"Client","faultstring":"No such lead"}`,
		"Client", "No such lead", nil,
	},
	{
		"err", `{"ok":false,"err":{"code":"E1","message":"No such lead"}}`,
		"E1", "No such lead", nil,
	},
	{
		"a cause", `{"message":"Not saved","cause":{"message":"The disk is full","stack":"at f (x.js:1)"}}`,
		"", "Not saved: The disk is full", nil,
	},
	{
		"Zoho", `{"data":[{"code":"INVALID_DATA","details":{"expected_data_type":"email","api_name":"Email"},"message":"the given data is invalid","status":"error"}]}`,
		"INVALID_DATA", "Email: the given data is invalid", fields{"Email": {"the given data is invalid"}},
	},
	{
		"Play", `{"obj.email":[{"msg":["error.email"],"args":[]}],"obj":[{"msg":["error.expected"],"args":[]}]}`,
		"", "error.expected: email: error.email", fields{"email": {"error.email"}},
	},
	{
		"webargs", `{"code":422,"errors":{"json":{"email":["Not a valid email address."]}},"status":"Unprocessable Entity"}`,
		"422", "email: Not a valid email address.", fields{"email": {"Not a valid email address."}},
	},
	{
		"Micronaut", `{"message":"Bad Request","_embedded":{"errors":[{"message":"email: must not be blank"}]},"_links":{"self":{"href":"/leads"}}}`,
		"", "Bad Request: email: must not be blank", nil,
	},
	{
		"WordPress", `{"code":"rest_invalid_param","message":"Invalid parameter(s): email","data":{"status":400,"params":{"email":"Invalid email address."},"details":{"email":{"code":"rest_invalid_email","message":"Invalid email address.","data":null}}}}`,
		"rest_invalid_param", "Invalid parameter(s): email: email: Invalid email address.", fields{"email": {"Invalid email address."}},
	},
	{
		"ABP", `{"error":{"code":null,"message":"Your request is not valid!","details":null,"validationErrors":[{"message":"An address is required.","members":["email"]}]}}`,
		"", "Your request is not valid! email: An address is required.", fields{"email": {"An address is required."}},
	},
	{
		"Symfony forms", `{"code":400,"message":"Validation Failed","errors":{"children":{"email":{"errors":["This value is not valid."]},"address":{"children":{"city":{"errors":["Too long."]},"zip":{}}},"message":{}}}}`,
		"400", "Validation Failed: address.city: Too long. email: This value is not valid.",
		fields{"email": {"This value is not valid."}, "address.city": {"Too long."}},
	},
	{
		"a status with words", `{"status":{"code":"E7","message":"No such lead"}}`,
		"E7", "No such lead", nil,
	},
	{
		"Django REST framework, a field named message", `{"message":["This field is required."],"email":["Enter a valid email address."]}`,
		"", "email: Enter a valid email address. message: This field is required.",
		fields{"message": {"This field is required."}, "email": {"Enter a valid email address."}},
	},
	{
		"Django REST framework with a message", `{"email":["Enter a valid email address."],"message":"Validation failed"}`,
		"", "Validation failed: email: Enter a valid email address.", fields{"email": {"Enter a valid email address."}},
	},
	{
		"ozzo-validation", `{"address":{"zip":"must be in a valid format"},"name":"cannot be blank"}`,
		"", "address.zip: must be in a valid format; name: cannot be blank", fields{"address.zip": {"must be in a valid format"}, "name": {"cannot be blank"}},
	},
	{"what was sent", `{"name":"Jane","email":"jane@example.com","tags":["a","b"]}`, "", "", nil},
	{
		"express-validator", `{"errors":[{"type":"field","value":"John Doe","msg":"Invalid value","path":"email","location":"body"}]}`,
		"", "email: Invalid value", fields{"email": {"Invalid value"}},
	},
	{
		"Symfony", `{"type":"https://symfony.com/errors/validation","title":"Validation Failed","detail":"email: This value is not valid.","violations":[{"propertyPath":"email","title":"This value is not valid.","type":"urn:uuid:bd79c0ab"}]}`,
		"validation", "email: This value is not valid.", fields{"email": {"This value is not valid."}},
	},
	{
		"Jira", `{"errorMessages":["The project is archived"],"errors":{"summary":"You must specify a summary"}}`,
		"", "summary: You must specify a summary; The project is archived", fields{"summary": {"You must specify a summary"}},
	},
	{
		"OData", `{"error":{"code":"0x80040217","message":{"lang":"en-US","value":"The lead does not exist"}}}`,
		"0x80040217", "The lead does not exist", nil,
	},
	{
		"Microsoft", `{"error":{"code":"BadArgument","message":"Multiple errors","details":[{"code":"NullValue","target":"PhoneNumber","message":"must not be null"}]}}`,
		"BadArgument", "Multiple errors: PhoneNumber: must not be null", fields{"PhoneNumber": {"must not be null"}},
	},
	{
		"PayPal", `{"name":"UNPROCESSABLE_ENTITY","message":"The request is semantically incorrect","details":[{"field":"/purchase_units/0/amount","issue":"X","description":"The amount is missing"}],"links":[{"href":"https://x","rel":"y"}]}`,
		"", "The request is semantically incorrect: purchase_units.0.amount: The amount is missing", fields{"purchase_units.0.amount": {"The amount is missing"}},
	},
	{
		"JSend", `{"status":"fail","data":{"email":"An address is required"}}`,
		"", "email: An address is required", fields{"email": {"An address is required"}},
	},
	{
		"Slack", `{"ok":false,"error":"invalid_auth"}`,
		"", "invalid_auth", nil,
	},
	{
		"Twilio", `{"code":21211,"message":"The 'To' number is not valid","more_info":"https://twilio.com","status":400}`,
		"21211", "The 'To' number is not valid", nil,
	},
	{
		"PHP with a byte order mark", "\ufeff" + `{"success":false,"errors":{"0":{"field":"email","message":"is invalid"},"1":{"field":"email","message":"is long"}}}`,
		"", "email: is invalid, is long", fields{"email": {"is invalid", "is long"}},
	},
	{
		"an error in an error", `{"error":{"error":{"code":"no_lead","message":"no such lead"}}}`,
		"no_lead", "no such lead", nil,
	},
	{"a page", `<html><title>502 Bad Gateway</title></html>`, "", "", nil},
	{"a text in JSON", `"no such lead"`, "", "", nil},
	{"a record", `{"id":"lead-1","name":"John Doe","email":"john@example.com","tags":["a"]}`, "", "", nil},
}

// problemCalls are ways to come by an error body: of all resources, with and
// without a body, in an iteration and beyond the SDK.
var problemCalls = []support.Operation{
	{Name: "Leads.Get", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		_, err := c.Leads.Get(ctx, "lead-1", opts...)
		return err
	}},
	{Name: "Do", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "POST", "/notes", map[string]string{"text": "x"}, new(map[string]any), opts...)
	}},
	{Name: "Accounts.Create", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		_, err := c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "Acme"}, opts...)
		return err
	}},
	{Name: "Contacts.Create", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		_, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane"}, opts...)
		return err
	}},
	{Name: "Campaigns.All with prefetch", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		items := 0
		for _, err := range c.Campaigns.All(ctx, nil, append(opts, leedo.WithPrefetch(4))...) {
			if err != nil {
				if items != 1 {
					return fmt.Errorf("%d items before %w", items, err)
				}
				return err
			}
			items++
		}
		return nil
	}},
}

// problem returns the error of a call whose response is a 422 with this body;
// the first page of a list is a good one.
func problem(t *testing.T, call support.Operation, body string) *leedo.APIError {
	t.Helper()
	client, _ := support.InMemory(t, []leedo.Option{leedo.WithRetries(0), leedo.WithoutRateLimiter()}, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("page") == "1" {
			support.Respond(200, `{"data":[{"id":"campaign-1"}],"meta":{"total":5,"page":1,"per_page":1}}`)(w, req)
			return
		}
		support.Respond(422, body, "X-Request-Id", "req_9")(w, req)
	})
	err := call.Call(t.Context(), client)
	e, ok := errors.AsType[*leedo.APIError](err)
	if !ok || e.StatusCode != 422 || e.RequestID != "req_9" || string(e.Body) != body || strings.Contains(err.Error(), "items before") {
		t.Fatalf("%s: %v", call.Name, err)
	}
	return e
}

// The code, the messages and their fields are read from the error bodies of
// common frameworks, by every call.
func TestErrorBodiesOfRealFrameworksAreRead(t *testing.T) {
	t.Parallel()
	for _, tt := range problems {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, call := range problemCalls {
				e := problem(t, call, tt.body)
				if e.Code != tt.code || e.Message != tt.message {
					t.Errorf("%s: code %q, message\n%q, want %q,\n%q", call.Name, e.Code, e.Message, tt.code, tt.message)
				}
				if diff := cmp.Diff(tt.fields, e.Fields); diff != "" {
					t.Errorf("%s: fields (-want +got):\n%s", call.Name, diff)
				}
			}
		})
	}
}

// Fields are bounded in number and length, and their messages are single lines.
func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 33 {
		many = append(many, fmt.Sprintf(`"f%02d":["is bad"]`, i))
	}
	for _, shape := range []string{`{%s}`, `{"errors":{%s}}`, `{"message":"m","details":{%s}}`} {
		e := problem(t, problemCalls[0], fmt.Sprintf(shape, strings.Join(many, ",")))
		if len(e.Fields) != 32 || e.Fields["f00"] == nil || e.Fields["f32"] != nil {
			t.Errorf("%s: %d fields: %v", shape, len(e.Fields), e.Fields)
		}
	}
	long := strings.Repeat("ä", 300)
	words := strings.Repeat(`"`+long+`",`, 40)
	for _, body := range []string{
		`{"errors":{"` + long + `":[` + words + `"a\r\nb\u0000\u2028"],"a\nb":["c\td"]}}`,
		`{"errors":[{"field":"` + long + `","message":"` + long + `"},{"field":"a\nb","message":"c\td"}]}`,
	} {
		e := problem(t, problemCalls[1], body)
		if len(e.Fields) != 2 || !cmp.Equal(e.Fields[`a\nb`], []string{`c\td`}) {
			t.Errorf("fields %v", e.Fields)
		}
		for field, words := range e.Fields {
			for _, text := range append(words, field, e.Message) {
				if n := utf8.RuneCountInString(text); n == 0 || n > 200 || strings.ContainsAny(text, "\r\n\t\x00\u2028") || len(words) > 32 {
					t.Errorf("%d runes, %d texts: %q", n, len(words), text)
				}
			}
		}
	}
	// Nested without end, or cut where a body is.
	for _, body := range []string{
		strings.Repeat(`{"errors":`, 5000) + `"x"` + strings.Repeat("}", 5000),
		strings.Repeat(`{"a":`, 5000) + `["x"]` + strings.Repeat("}", 5000),
		strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000),
	} {
		if e := problem(t, problemCalls[2], body); e.Fields != nil || e.Message != "" {
			t.Errorf("%.20s…: %q, %v", body, e.Message, e.Fields)
		}
	}
}

// Error texts contain the message, but not the fields, which are for forms.
func TestFieldsStandInNoText(t *testing.T) {
	t.Parallel()
	for _, call := range problemCalls {
		e := problem(t, call, `{"code":"c","message":{"telltale":["telltale"]}}`)
		if !cmp.Equal(e.Fields, fields{"telltale": {"telltale"}}) {
			t.Fatalf("fields %v", e.Fields)
		}
		e.Message = "m" // what follows is of the fields
		for way, text := range support.Printed(e) {
			if strings.Contains(text, "telltale") {
				t.Errorf("%s: %s", way, text)
			}
		}
	}
}

// The token is masked in the names and messages of fields, even if it is in
// pieces or would be cut.
func TestTheTokenIsMaskedInFields(t *testing.T) {
	t.Parallel()
	beyond := strings.Repeat("x", 195)
	for _, shape := range []string{
		`{"%s":["%s is bad"]}`, `{"errors":{"%s":["is bad","%s"]}}`, `[{"field":"%s","message":"%s"}]`, `{"detail":[{"loc":["body","%s"],"msg":"%s"}]}`,
		`{"errors":[{"source":{"pointer":"/data/attributes/%s"},"detail":"%s"}]}`, `{"errors":{"a":{"%s":"%s"}}}`,
	} {
		for _, text := range []string{support.Token, strings.ToUpper(support.Token), "a-" + support.Token + ".", beyond + support.Token} {
			for _, call := range problemCalls {
				e := problem(t, call, fmt.Sprintf(shape, text, text))
				if len(e.Fields) != 1 {
					t.Errorf(shape+": %v", text, text, e.Fields)
				}
				if part := support.PartShown(fmt.Sprint(e.Fields, e.Message, e.Code), support.Token); part != "" {
					t.Errorf(shape+" shows %q: %v", text, text, part, e.Fields)
				}
			}
		}
	}
}

// A short token, as tests have, is not masked in texts: it may be a word.
func TestAShortTokenAltersNoText(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"test":       `latest_version: the latest validation`,
		"validation": `latest_version: the latest ***`,
	} {
		h := support.Respond(400, `{"code":"validation_failed","errors":{"latest_version":["the latest validation"]}}`)
		c, err := leedo.NewClient(token, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return support.ResponseTo(req, h), nil
		})}))
		if err != nil {
			t.Fatal(err)
		}
		e, ok := errors.AsType[*leedo.APIError](support.Reads[0].Call(t.Context(), c))
		if !ok || e.Code != "validation_failed" || e.Message != want {
			t.Errorf("%s: %v, code %q", token, e, e.Code)
		}
	}
}
