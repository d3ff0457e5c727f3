#!/bin/sh
# The Debian package under a real systemd, which is PID 1 of a throw-away root: the unit's sandbox, its credentials and its
# sockets as they are on a server. Told by tests/t30_package.rs.
#
#   sh tests/package/boot.sh OLD.deb NEW.deb SCHOOL.ldif OUT_FOLDER
#
# What is seen goes to OUT_FOLDER/told, what went wrong to OUT_FOLDER/log. Exit 77: systemd cannot be started here.
set -eu

if [ "$1" != --inside ]; then
    # systemd wants control groups of its own: a branch of this machine's tree, and a namespace that begins there.
    for tree in /sys/fs/cgroup /sys/fs/cgroup/unified; do
        [ "$(stat -f -c %T "$tree" 2>/dev/null)" != cgroup2fs ] || branch=$tree/verteiler.$$
    done
    mkdir "${branch:-/nonexistent/branch}" 2>/dev/null || {
        echo "package: SKIPPED: no control groups for a systemd here"
        exit 77
    }
    code=0
    # shellcheck disable=SC2016
    timeout -k 5 120 sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec unshare --mount --net --pid --cgroup --uts --ipc \
        --fork --kill-child sh "$0" --inside "$@"' "$0" "$branch" "$@" || code=$?
    for _ in 1 2 3 4 5; do
        find "$branch" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.2
    done
    [ $code -eq 77 ] || [ -e "$4/told" ] || {
        echo "package: SKIPPED: systemd does not start here (exit $code)"
        exit 77
    }
    cat "$4/told"
    exit 0
fi

# shellcheck source=tests/package/root.sh
. "$(dirname "$0")/root.sh"
make_root "$2" "$3"
out=$5

# A container as systemd expects one: devices of its own, kernel settings to be read only, no unit but those it needs.
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
ip link set lo up
rm -rf "$root"/lib/systemd/system/*.wants/* "$root"/etc/systemd/system/*.wants/* "$root/usr/sbin/policy-rc.d"
rm -f "$root/etc/machine-id"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"

inside dpkg --no-triggers -i /tmp/old.deb >/dev/null 2>&1
fill_in "$4"
mkdir -p "$root/etc/systemd/system/listd.service.d" "$root/mnt/out" "$root/mnt/old"
printf '[Service]\nStandardError=append:/var/log/listd.log\n' >"$root/etc/systemd/system/listd.service.d/log.conf"
mount --bind "$out" "$root/mnt/out"

# What an admin does, and what is asked of systemd after each step.
cat >"$root/root/steps.sh" <<'END'
exec 2>/mnt/out/log
set -x
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
tell() { echo "$*" >>/mnt/out/told; }
units() { tell "$1: $(systemctl is-active listd.service listd-lmtp.socket | tr '\n' ' ')"; }
# post NUMBER SWAKS_OPTIONS
post() {
    printf 'From: joerg.schaefer@post.example\r\nTo: klasse-5b@schule.example\r\nSubject: x\r\nMessage-ID: <%s@post.example>\r\nDate: Sun, 01 Nov 2026 12:00:00 +0000\r\n\r\nMorgen %s\r\n' "$1" "$1" >/root/mail
    number=$1
    shift
    swaks --protocol LMTP "$@" --from joerg.schaefer@post.example --to klasse-5b@schule.example --data @/root/mail --suppress-data >&2
    tell "mail $number: swaks $?, $(listctl queue | grep -c klasse-5b@) in the queue"
}
pid() { systemctl show -p MainPID --value listd.service; }

systemctl enable --now listd-lmtp.socket listd.service >&2
units started
tell "keys: $(listctl dkim show schule.example | grep -c v=DKIM1)"
tell "rights:" $(grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' "/proc/$(pid)/status" | tr '\t\n' '  ')
post 1 --server 127.0.0.1 --port 2424
systemctl reload listd.service
units reloaded
before=$(pid)
dpkg --no-triggers -i /tmp/new.deb </dev/null >&2
[ "$before" != "$(pid)" ] && units upgraded
systemctl stop listd.service
units stopped
post 2 --socket /run/listd/lmtp.sock
units woken
dpkg --no-triggers -r verteiler >&2
units removed
dpkg --no-triggers -i /tmp/new.deb </dev/null >&2
tell "installed again: $(systemctl is-enabled listd.service listd-lmtp.socket | tr '\n' ' ')"
dpkg --no-triggers -P verteiler >&2
tell "failed units: $(systemctl --failed --no-legend --plain | wc -l)"
cat /var/log/listd.log >&2
END
cat >"$root/etc/systemd/system/steps.service" <<'END'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /root/steps.sh
ExecStopPost=/bin/systemctl exit --force 0
TimeoutStartSec=100
END
cd "$root"
pivot_root . mnt/old
cd /
umount -l /mnt/old
mount --make-rshared /
exec env -i container=lxc PATH=/usr/bin:/bin:/usr/sbin /lib/systemd/systemd --system --unit=steps.service --show-status=no --log-target=null
