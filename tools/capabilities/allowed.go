package main

// environment are the environment variables that may be read.
var environment = []string{"LEEDO_API_TOKEN", "LEEDO_BASE_URL"}

// with are functions that may only be called, and only with one of these constants.
var with = map[string][]string{
	"os.Getenv":                  environment,
	"os.LookupEnv":               environment,
	"reflect.Value.MethodByName": {"Equal"}, // how go-cmp compares
}

// pure are packages of the standard library that reach neither files, processes, the
// network nor memory that is not theirs, whatever of them is used.
var pure = words(`
	bytes cmp compress/gzip container/list context crypto/rand encoding encoding/binary encoding/json errors
	html io iter maps math math/bits math/rand/v2 net/netip net/url regexp slices sort strconv
	strings sync sync/atomic unicode unicode/utf8`)

// only are packages of which these names may be used, with the methods and fields of
// a type that is named.
var only = map[string][]string{
	"crypto/tls":         words("CertificateVerificationError Conn ConnectionState RecordHeaderError"),
	"crypto/x509":        words("CertificateInvalidError HostnameError UnknownAuthorityError"),
	"embed":              nil, // text of the package in a string; embed.FS is not used
	"mime":               words("ParseMediaType"),
	"net":                words("AddrError Conn DNSError Error OpError TCPConn"),
	"net/http/httptrace": words("ClientTrace GotConnInfo WithClientTrace"), // what net/http reports
	"net/textproto":      words("MIMEHeader ProtocolError"),
	"os":                 words("ErrDeadlineExceeded Getenv LookupEnv"),
	"runtime":            words("Goexit"),

	// The loop alone: no client of the library, and none of its loggers.
	"github.com/hashicorp/go-retryablehttp": words("Client Request"),
	// A script, for the client of the caller: redislimit opens no connection.
	"github.com/redis/go-redis/v9": words("Cmd NewScript Script Scripter"),
}

// fake are names that leedotest may use besides: the error of a connection that is cut.
var fake = map[string][]string{
	"os":      words("NewSyscallError"),
	"syscall": words("ECONNRESET NewError"), // NewError on Plan 9, which has no numbers
}

// except are packages of which all may be used but these names: those that listen, make a
// connection that is not one of net/http, read or write files (a form that is too large
// for memory), print, call methods by number, or reach memory as unsafe does.
var except = map[string][]string{
	"fmt": words("Print Printf Println Scan Scanf Scanln"),
	"log/slog": words(`
		Debug DebugContext Default Error ErrorContext Info InfoContext Log LogAttrs NewLogLogger
		SetDefault SetLogLoggerLevel Warn WarnContext With`),
	"net/http": words(`
		DefaultServeMux Dir FS File FileServer FileServerFS FileSystem Handle HandleFunc ListenAndServe
		ListenAndServeTLS NewFileTransport NewFileTransportFS Serve ServeContent ServeFile ServeFileFS ServeTLS Server
		Request.FormFile Request.FormValue Request.MultipartForm Request.MultipartReader Request.ParseMultipartForm
		Request.PostFormValue Transport.Dial Transport.DialContext Transport.DialTLS Transport.DialTLSContext`),
	"reflect": words("NewAt Type.Method Type.MethodByName Type.Methods Value.Method Value.Methods Value.Pointer Value.SetPointer Value.UnsafeAddr Value.UnsafePointer"),
	"time":    words("LoadLocation"),
}
