# Sourced by the scripts: checks for what they need, and installs what is absent where apt-get can.

# fail SENTENCE...: says why the script cannot go on.
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

need_linux_and_swift() {
    [ "$(uname -s)" = Linux ] || fail "io_uring, which ZeroPool's programs use, is only on Linux."
    command -v swift >/dev/null ||
        fail "there is no 'swift' on the PATH. Install Swift 6.2 or later: https://www.swift.org/install/linux"
}

# is_present command:NAME | header:FILE | library:SONAME
is_present() {
    case $1 in
    # nginx stands where only root looks.
    command:*) PATH=$PATH:/usr/sbin command -v "${1#command:}" >/dev/null ;;
    # Asked of a compiler, which knows where this system keeps its headers: cc, or the clang that comes with Swift.
    header:*) echo "#include <${1#header:}>" | "$(command -v cc || command -v clang)" -E -x c - >/dev/null 2>&1 ;;
    # Asked of the dynamic loader's cache, which LD_PRELOAD looks into. (Not grep -q: it would end before ldconfig.)
    library:*) PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -F $'\t'"${1#library:} " >/dev/null ;;
    esac
}

# install_missing REQUIREMENT=PACKAGE...: installs the Debian packages whose requirement is not met, and only those.
install_missing() {
    local entry packages=() as_root=()
    for entry in "$@"; do
        is_present "${entry%%=*}" || packages+=("${entry#*=}")
    done
    [ ${#packages[@]} -gt 0 ] || return 0

    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    command -v apt-get >/dev/null && command -v "${as_root[0]:-apt-get}" >/dev/null ||
        fail "please install what Debian and Ubuntu call: ${packages[*]}" \
            "(liburing-dev is liburing-devel on Fedora, liburing on Arch)"
    echo "Installing ${packages[*]}"
    # Fresh containers have no package lists, and old lists name packages that are gone.
    "${as_root[@]}" apt-get update -q >/dev/null || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null ||
        fail "apt-get could not install: ${packages[*]}"
}

# Debian starts a web server where it installs one. Here it is a program to be run and ended, so it neither runs nor starts.
install_nginx() {
    local as_root=()
    is_present command:nginx && return
    install_missing command:nginx=nginx-light
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" service nginx stop >/dev/null 2>&1 || true
    "${as_root[@]}" update-rc.d nginx disable >/dev/null 2>&1 || true
    # Its own file tells, not who listens on port 80: that may be somebody else's.
    [ ! -s /run/nginx.pid ] || fail "nginx was installed, and now runs as a service: please stop it"
}

# What tests and benchmarks run beside the programs themselves.
install_test_tools() {
    install_missing header:liburing.h=liburing-dev command:cc=gcc command:objdump=binutils command:valgrind=valgrind \
        command:socat=socat command:nc=netcat-openbsd command:python3=python3 \
        command:setpriv=util-linux command:taskset=util-linux command:prlimit=util-linux command:strace=strace \
        command:curl=curl command:wget=wget command:wrk=wrk command:fincore=util-linux \
        command:unshare=util-linux command:nsenter=util-linux command:ip=iproute2 command:tc=iproute2
    install_nginx
    # In a shell of its own, where failing ends nothing: other releases name them otherwise.
    (install_missing library:libmimalloc.so.2=libmimalloc2.0 library:libjemalloc.so.2=libjemalloc2) ||
        echo "Benchmarks/allocators leaves out what is not there."
}
