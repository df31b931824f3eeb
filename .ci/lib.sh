# What the scripts beside this file share; they source it as their first step.
# It moves to the root of the repository and makes all runs alike: no input, no
# settings for the SDK from outside, no workspace.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
exec </dev/null
export CI=true LC_ALL=C GOWORK=off GOFLAGS=-buildvcs=false
unset "${!LEEDO_@}"

# fail says what is wrong and what to do about it.
fail() {
	printf 'ci: %s\n' "$@" >&2
	exit 1
}

command -v go >/dev/null || fail 'there is no go command: install Go, https://go.dev/doc/install'
module=$(go list -m)

# The SDK supports the two newest releases of Go. CI runs on the one that is
# installed and, for what a release can change, on this one. It is named
# nowhere else.
other_release=go1.27.3

# modules prints the directory of every module, the root first. The go command
# never enters a nested module by itself.
modules() {
	find . -name go.mod -not -path '*/testdata/*' -not -path './.git/*' -exec dirname {} \; | sort
}

# gofiles prints every Go file; with arguments, those that find selects.
gofiles() {
	find . -name '*.go' -not -path './.git/*' "$@" | sort
}

# tool runs a development tool in the version that tools/go.mod pins.
tool() {
	go tool -modfile="$root/tools/go.mod" "$@"
}

# own runs one of the programs in tools/, from the root.
own() {
	local bin
	bin=$(mktemp -d)
	go build -C tools -o "$bin" "./$1"
	local status=0
	"$bin/$1" "${@:2}" || status=$?
	rm -rf "$bin"
	return "$status"
}

# readme_command prints its argument if README.md has it as a line of its own
# in a code block.
readme_command() {
	awk -v want="$1" '
		/^```/ { code = !code; next }
		code && $0 == want { print; found = 1; exit }
		END { exit !found }' README.md ||
		fail "README.md has no line \"$1\" in a code block" \
			'it is a promise to the reader and the command that CI runs: put it back, or change .ci with it'
}
