#!/bin/sh
# The life of the Debian package in a throw-away root: installed, filled in, started with the user, sockets and
# credentials of its unit, upgraded, removed, purged. Told by tests/t30_package.rs.
#
#   unshare --mount --net --pid --fork --kill-child sh tests/package/life.sh OLD.deb NEW.deb SCHOOL.ldif NOTIFY_FOLDER
#
# systemd does not run in it: what it would do is done here by hand, from what the unit says (boot.sh has it do it
# itself, where it can). Exit 77: cannot be shown here.
set -eu
old=$1
new=$2
ldif=$3
notify=$4

# shellcheck source=tests/package/root.sh
. "$(dirname "$0")/root.sh"
make_root "$old" "$new"
mount --rbind /dev "$root/dev"
mkdir "$root/run/notify"
mount --bind "$notify" "$root/run/notify"
ip link set lo up

dpkg_run() { inside dpkg --no-triggers "$@" </dev/null >"$top/said" 2>&1 || fail "dpkg $*: $(cat "$top/said")"; }
# The last value of a key of the unit.
unit() { sed -n "s/^$1=//p" "$root/lib/systemd/system/listd.service" | tail -n 1; }
rights() { inside stat -c '%U:%G %a' "$1"; }

start() {
    inside systemd-tmpfiles --create verteiler.conf 2>"$top/why" || fail "systemd-tmpfiles: $(cat "$top/why")"
    inside install -d -o "$(unit User)" -g "$(unit Group)" -m "$(unit StateDirectoryMode)" "/var/lib/$(unit StateDirectory)"
    from=$(unit LoadCredential)
    rm -rf "$root/run/credentials"
    mkdir -m 700 "$root/run/credentials"
    for secret in "$root${from#*:}"/*; do
        install -m 400 "$secret" "$root/run/credentials/${from%%:*}_$(basename "$secret")"
    done
    inside chown -R "$(unit User)" /run/credentials
    rm -f "$root/run/listd/lmtp.sock"
    listen=$(sed -n 's/^ListenStream=/-l /p' "$root/lib/systemd/system/listd-lmtp.socket")
    # shellcheck disable=SC2046,SC2086
    chroot "$root" setpriv --reuid "$(unit User)" --regid "$(unit Group)" --clear-groups --no-new-privs \
        --bounding-set=-all --inh-caps=-all \
        env -i PATH=/usr/bin CREDENTIALS_DIRECTORY=/run/credentials NOTIFY_SOCKET=/run/notify/socket \
        systemd-socket-activate $listen -E CREDENTIALS_DIRECTORY -E NOTIFY_SOCKET $(unit ExecStart) \
        >>"$top/listd.log" 2>&1 &
    pid=$!
    tries=0
    # The sockets are there before listd, which the first connection starts.
    until [ -S "$root/run/listd/lmtp.sock" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "no socket after 10 s"
        sleep 0.05
    done
}

stop() {
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    is "exit code of listd" "$code" 0
}

# post MESSAGE-ID: a mail to the class, by LMTP.
post() {
    printf 'From: joerg.schaefer@post.example\r\nTo: klasse-5b@schule.example\r\nSubject: Ausflug\r\nMessage-ID: <%s>\r\nDate: Sun, 01 Nov 2026 12:00:00 +0000\r\n\r\nMorgen\r\n' "$1" >"$root/tmp/mail"
    inside swaks --protocol LMTP --server 127.0.0.1 --port 2424 --from joerg.schaefer@post.example \
        --to klasse-5b@schule.example --data @/tmp/mail --suppress-data >"$top/said" 2>&1 ||
        fail "the mail was not taken: $(cat "$top/said")"
}

waiting() { inside listctl queue | grep -c 'klasse-5b@schule.example' || true; }

# 1. A first installation: user, folders, nothing started.
dpkg_run -i /tmp/old.deb
grep -q 'systemctl enable --now' "$top/said" || fail "postinst does not say how to start: $(cat "$top/said")"
is "shell of the user" "$(inside getent passwd verteiler | cut -d: -f7)" /usr/sbin/nologin
is "rights of secrets" "$(rights /etc/verteiler/secrets)" "root:root 700"
is "rights of listd.toml" "$(rights /etc/verteiler/listd.toml)" "root:root 644"
[ ! -e "$root/var/lib/listd" ] || fail "there is state before the first start"
inside listctl config check /etc/verteiler/listd.toml >"$top/said" || fail "the packaged listd.toml is wrong: $(cat "$top/said")"
inside listd --version >/dev/null
for file in share/man/man8/listd.8.gz share/man/man1/listctl.1.gz share/man/man1/listctl-trace.1.gz \
    share/bash-completion/completions/listctl share/doc/verteiler/exim.md share/doc/verteiler/copyright; do
    [ -s "$root/usr/$file" ] || fail "/usr/$file is not in the package"
done
say "installed $(inside dpkg-query -W -f '${Version}' verteiler)"

# 2. The units.
inside systemd-analyze verify --man=no listd.service listd-lmtp.socket >"$top/said" 2>&1 || fail "systemd-analyze verify: $(cat "$top/said")"
! grep listd "$top/said" || fail "systemd-analyze verify is not clean"
inside systemd-analyze security --offline=true --threshold=15 listd.service >"$top/said" 2>&1 || fail "the unit is too open: $(cat "$top/said")"
say "units verified; $(grep -o 'Overall exposure level.*[0-9]\.[0-9]' "$top/said")"

# verdictd, as its unit starts it, with the configuration as it comes; nothing behind it answers.
is "shell of verdictd's user" "$(inside getent passwd verdictd | cut -d: -f7)" /usr/sbin/nologin
inside systemd-analyze verify --man=no verdictd.service verdictd.socket >"$top/said" 2>&1 || fail "systemd-analyze verify: $(cat "$top/said")"
! grep verdictd "$top/said" || fail "systemd-analyze verify is not clean"
inside systemd-analyze security --offline=true --threshold=15 verdictd.service >"$top/said" 2>&1 || fail "verdictd's unit is too open: $(cat "$top/said")"
inside systemd-tmpfiles --create verteiler.conf 2>"$top/why" || fail "systemd-tmpfiles: $(cat "$top/why")"
is "rights of verdictd's folder" "$(rights /run/verdictd)" "verdictd:verdictd 755"
verdictd=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/verdictd.service")
# shellcheck disable=SC2086
chroot "$root" setpriv --reuid verdictd --regid verdictd --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    env -i PATH=/usr/bin $verdictd >"$top/verdictd.log" 2>&1 &
pid=$!
tries=0
until grep -q ' ready' "$top/verdictd.log"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "verdictd is not ready after 10 s: $(cat "$top/verdictd.log")"
    sleep 0.05
done
stop
say "verdictd started and stopped"

# 3. Filled in and started.
fill_in "$ldif"
inside listctl config check /etc/verteiler/listd.toml >"$top/said" || fail "the configuration is wrong: $(cat "$top/said")"
! grep -q 'cannot be read' "$top/said" || fail "a key is not found: $(cat "$top/said")"
sum=$(md5sum <"$root/etc/verteiler/listd.toml")
start
post 1@post.example
is "posts that wait" "$(waiting)" 1
is "rights of the state" "$(rights /var/lib/listd)" "verteiler:verteiler 700"
is "rights of the control socket" "$(rights /run/listd/control.sock)" "verteiler:verteiler 660"
inside listctl dkim show schule.example >"$top/said"
is "keys that sign" "$(grep -c 'v=DKIM1' "$top/said")" 2
kill -HUP "$pid"
tries=0
until grep -q 'reloaded' "$top/listd.log"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "no reload after 10 s"
    sleep 0.05
done
stop
[ -S "$root/run/listd/lmtp.sock" ] || fail "listd removed a socket that is not its own"
say "started by its socket, reloaded, stopped; a mail waits"

# 4. An upgrade keeps configuration and mail.
dpkg_run -i /tmp/new.deb
say "upgraded to $(inside dpkg-query -W -f '${Version}' verteiler)"
is "configuration" "$(md5sum <"$root/etc/verteiler/listd.toml")" "$sum"
start
post 2@post.example
is "posts that wait" "$(waiting)" 2
inside listctl trace 1@post.example >"$top/said" || fail "the old mail is unknown: $(cat "$top/said")"
stop
say "the mail from before still waits"

# 5. A removal keeps what the admin would miss, a purge deletes it and says so.
dpkg_run -r verteiler
grep -q 'stay in /var/lib/listd' "$top/said" || fail "the removal does not say what stays"
for gone in usr/sbin/listd usr/sbin/verdictd usr/bin/listctl lib/systemd/system/verdictd.socket lib/systemd/system/listd.service usr/share/doc/verteiler; do
    [ ! -e "$root/$gone" ] || fail "$gone is still there"
done
is "configuration" "$(md5sum <"$root/etc/verteiler/listd.toml")" "$sum"
[ -s "$root/var/lib/listd/listd.db" ] || fail "the removal deleted the mail"
dpkg_run -P verteiler
grep -q 'deleting /var/lib/listd' "$top/said" || fail "the purge does not say what it deletes: $(cat "$top/said")"
for gone in var/lib/listd etc/verteiler/listd.toml etc/verteiler/verdictd.toml run/listd run/verdictd; do
    [ ! -e "$root/$gone" ] || fail "$gone is still there"
done
is "keys that stay" "$(find "$root/etc/verteiler/secrets" -name '*.pem' | wc -l)" 2
say "removed and purged"
