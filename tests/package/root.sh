# Sourced by life.sh and boot.sh: a throw-away root, which is this machine's own as an overlay. Nothing is downloaded, and
# all of it is gone with the mount namespace.

say() { echo "package: $*"; }
fail() {
    echo "package: FAILED: $*" >&2
    [ ! -f "$top/listd.log" ] || sed 's/^/listd: /' "$top/listd.log" >&2
    exit 1
}
# is WHAT FOUND EXPECTED
is() { [ "$2" = "$3" ] || fail "$1: found '$2', expected '$3'"; }

# make_root OLD.deb NEW.deb: the root in $root, both packages in its /tmp. Exit 77: cannot be shown here.
make_root() {
    # Any folder that is there: the mount is seen in this namespace only.
    top=/mnt
    root=$top/root
    mount -t tmpfs -o mode=755 tmpfs "$top"
    mkdir "$top/upper" "$top/work" "$root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$root" 2>"$top/why" || {
        say "SKIPPED: no overlay of / here: $(cat "$top/why")"
        exit 77
    }
    for kind in tmpfs:run tmpfs:tmp proc:proc; do
        mount -t "${kind%%:*}" "${kind%%:*}" "$root/${kind#*:}"
    done
    chmod 1777 "$root/tmp"
    # Nothing of this machine's own installation, should it have one.
    rm -rf "$root/var/lib/listd" "$root/etc/verteiler"
    cp "$1" "$root/tmp/old.deb"
    cp "$2" "$root/tmp/new.deb"
}

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

# fill_in SCHOOL.ldif: keys, and a configuration for the school in that file.
fill_in() {
    cp "$1" "$root/etc/verteiler/school.ldif"
    chmod 644 "$root/etc/verteiler/school.ldif"
    inside listctl dkim keygen schule.example --dir /etc/verteiler/secrets >"$top/said"
    is "keys as credentials" "$(grep -c 'key_file = "credential:secret_' "$top/said")" 2
    sed -i 's|^url = .*|url = "file:school.ldif"|' "$root/etc/verteiler/listd.toml"
    sed -n '/^\[domain.dkim\]/,$p' "$top/said" >>"$root/etc/verteiler/listd.toml"
    printf '\n[list]\nunverified = "accept"\n' >>"$root/etc/verteiler/listd.toml"
}
