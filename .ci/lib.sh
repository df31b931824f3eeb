# Shared by the scripts in this directory, which source it first. It changes to the root
# of the repository and makes all runs alike: no input, no workspace, and no environment
# variables of the SDK, of OpenTelemetry, or for another platform. In a hook of Git there
# are variables that make git in any directory change the repository of the hook.
set -euo pipefail
shopt -s inherit_errexit
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
exec </dev/null
export CI=true LC_ALL=C GOWORK=off GOFLAGS=-buildvcs=false
unset "${!LEEDO_@}" "${!OTEL_@}" GOOS GOARCH GODEBUG GOEXPERIMENT $(git rev-parse --local-env-vars)

# fail prints what is wrong and what to do about it, and exits.
fail() {
	printf 'ci: %s\n' "$@" >&2
	exit 1
}

command -v go >/dev/null || fail 'there is no go command: install Go, https://go.dev/doc/install'
module=$(go list -m)

# The SDK supports the two newest releases of Go. CI runs on the installed one, and runs
# the steps that depend on the release on this one, too. Only this line names it.
other_release=go1.27.3

# The packages whose test coverage is measured.
covered=./,./internal/...,./leedotest/...

# The platforms that are checked besides the one that CI runs on.
platforms='linux/arm64 linux/386 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 windows/386 js/wasm plan9/amd64'

# minor prints the release of a version: go1.26 for go1.26.8.
minor() { cut -d. -f1,2 <<<"$1"; }

# modules are the directories of all modules, the root first. In the go command, ./... does
# not include nested modules.
mapfile -t modules < <(find . -name go.mod -not -path '*/testdata/*' -not -path './.git/*' -exec dirname {} \; | sort)
[ "${#modules[@]}" -ge 2 ] || fail 'found no nested module; tools/ should be one'

# nested prints the nested modules. With -short, it leaves out those that only developers of
# the SDK use.
nested() {
	printf '%s\n' "${modules[@]:1}" | case ${1:-} in
	-short) grep -vxF -e ./tools -e ./bench ;;
	*) cat ;;
	esac
}

# gofiles prints every Go file. Its arguments are passed to find, to select some.
gofiles() {
	find . -name '*.go' -not -path './.git/*' "$@" | sort
}

# tool runs a development tool, in the version of tools/go.mod.
tool() {
	go tool -modfile="$root/tools/go.mod" "$@"
}

# own builds a program in tools/ and runs it in the root.
own() {
	local bin
	bin=$(mktemp -d)
	go build -C tools -o "$bin" "./$1"
	local status=0
	"$bin/$1" "${@:2}" || status=$?
	rm -rf "$bin"
	return "$status"
}

# some_test runs go test. It fails if no test has the name that is asked for, which the go
# command does not mind.
some_test() {
	local log status=0
	log=$(mktemp)
	go test "$@" | tee "$log" || status=$?
	if grep -q 'no tests to run' "$log"; then
		echo "there is no such test: go test $*" >&2
		status=1
	fi
	rm -f "$log"
	return "$status"
}

# needs installs a program, with apt, if it is missing. Its arguments are the program and
# what needs it. The package has the same name.
needs() {
	command -v "$1" >/dev/null && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq || true # fail says what is missing
		apt-get install -y -qq --no-install-recommends "$1" >/dev/null || true
	fi
	command -v "$1" >/dev/null || fail "$2 need $1: install it"
}

# needs_race_detector installs a C compiler if there is none, which the race detector needs.
needs_race_detector() {
	[ "$(go env CGO_ENABLED)" != 1 ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq
		apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
	fi
	[ "$(go env CGO_ENABLED)" = 1 ] || fail 'the race detector needs a C compiler: install gcc'
}

# measure begins a table of what the steps of a script take. begin begins a step, and took
# ends it with a line in the table: its time, the time of processors that its processes
# used, both in seconds, and its argument, the name.
measure() { costs=$(mktemp); }
begin() { begun=$SECONDS && processors && before=$used; }
took() {
	processors
	printf '%7d  %9d  %s\n' "$((SECONDS - begun))" "$((used - before))" "$1" >>"$costs"
}

# processors sets used to the seconds of processors that ended processes of this shell used.
processors() {
	local file=$costs.$BASHPID
	times >"$file" # in a command substitution it would count those of another shell
	used=$(awk -F '[ms ]+' 'NR == 2 { print int($1 * 60 + $2 + $3 * 60 + $4) }' "$file")
	rm "$file"
}

# print_costs prints the table.
print_costs() {
	printf '\nseconds  processor  step\n'
	cat "$costs"
	printf '%7d             in all\n' "$SECONDS"
	rm -f "$costs"
}

# at_once runs commands, as many at a time as its first argument says. It prints the output
# of each when that ends and, when all have ended, what each took, and fails unless all
# have passed. They are processes because a function that is called in a condition goes on
# after a failure.
at_once() {
	local most=$1 command logs passed running=0 failed=()
	shift
	logs=$(mktemp -d)
	measure
	for command; do
		if [ "$running" = "$most" ]; then
			wait -n || true
			running=$((running - 1))
		fi
		(
			log=$(mktemp -p "$logs") result=FAILED
			begin
			if $command >"$log" 2>&1; then
				result=ok
				echo "$command" >>"$logs/passed"
			fi
			took "$command: $result"
			printf '\n== %s\n%s\n' "$command: $result" "$(cat "$log")"
		) &
		running=$((running + 1))
	done
	wait
	print_costs
	passed=$(cat "$logs/passed" 2>/dev/null) || true
	rm -rf "$logs"
	for command; do
		grep -qxF -e "$command" <<<"$passed" || failed+=("$command")
	done
	[ "${#failed[@]}" = 0 ] || fail 'FAILED, and can be run alone:' "${failed[@]}"
}

# readme_command prints its argument if it is a line of a code block in README.md.
readme_command() {
	awk -v want="$1" '
		/^```/ { code = !code; next }
		code && $0 == want { print; found = 1; exit }
		END { exit !found }' README.md ||
		fail "README.md has no line \"$1\" in a code block" \
			'README.md shows the command that CI runs: restore the line, or change .ci, too'
}
