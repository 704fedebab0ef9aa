#!/bin/sh
# Makes the container's file system from a binary: the binary, the libraries it is linked to, authorities, a user. No shell, no package manager.
# root.sh BINARY FOLDER
set -eu
binary=$1 root=$2 here=$(dirname "$0")

mkdir -p "$root/usr/bin" "$root/etc/steppewatch" "$root/etc/ssl/certs" "$root/var/lib/steppewatch" "$root/tmp"
chmod 1777 "$root/tmp"
install -m 0755 "$binary" "$root/usr/bin/steppewatch"
# Both forms that ldd writes: `name => /path (address)`, and the loader's `/path (address)`.
ldd "$binary" | awk '$2 == "=>" && $3 ~ "^/" { print $3 } $1 ~ "^/" { print $1 }' | while read -r library; do
    cp --dereference --parents "$library" "$root"
done
cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'steppewatch:x:10001:10001::/var/lib/steppewatch:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'steppewatch:x:10001:' >"$root/etc/group"
install -m 0644 "$here/container.toml" "$root/etc/steppewatch/steppewatch.toml"
