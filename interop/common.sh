# What kafka.sh, hapi.sh and postgres.sh have in common. They set $run, the folder of the process that they start.

die() { echo "interop: $*" >&2; exit 1; }

# as_root runs a command as root, by sudo where we are somebody else.
as_root() {
	if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

# need installs a Debian package when its command is absent.
need() {
	command -v "$1" >/dev/null && return
	echo "interop: installing $2" >&2
	as_root apt-get update -qq >&2
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$2" >&2
	command -v "$1" >/dev/null || die "$1 is still absent after installing $2"
}

# need_java sees to a Java of 17 or later; with an argument of javac, to its compiler too.
need_java() {
	local major
	need java openjdk-17-jre-headless
	[[ ${1:-} != javac ]] || need javac openjdk-17-jdk-headless
	major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n1)
	[[ ${major:-0} -ge 17 ]] || die "Java 17 or later is needed, found ${major:-none}"
}

# artifacts POM FOLDER OPTION… fetches what a POM names, with everything it runs on.
artifacts() {
	need mvn maven
	rm -rf "$2"
	mkdir -p "$2"
	mvn --batch-mode --quiet -Dstyle.color=never --file "$1" "${@:3}" \
		dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2" >&2
}

# free_port prints a port that nobody listens on.
free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 10000))
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	die "found no free port"
}

alive() { [[ -e $run/pid ]] && kill -0 "$(<"$run/pid")" 2>/dev/null; }

# stop ends the process by a signal, and by SIGKILL where that does not help.
stop() {
	alive || return 0
	local pid
	pid=$(<"$run/pid")
	kill "-$1" "$pid"
	for _ in {1..100}; do
		kill -0 "$pid" 2>/dev/null || { rm -f "$run/pid"; return; }
		sleep 0.2
	done
	kill -KILL "$pid"
	rm -f "$run/pid"
}
