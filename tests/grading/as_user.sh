#!/bin/sh
# Runs a command as an ordinary user who may read this Python, wherever it is: for tests that are run by root.
# usage: as_user.sh UID PYTHON_PREFIX COMMAND…
set -e
uid=$1; prefix=$2; shift 2
home=$(mktemp -d /tmp/cwu-XXXXXX); chown "$uid" "$home"
trap 'rm -rf "$home"' EXIT
HOME=$home uid=$uid prefix=$prefix unshare -m sh -c '
  case $prefix in
    /root/*) # closed to everybody else: show only Python there
      hold=$HOME/.hold; mkdir "$hold"; mount --bind "$prefix" "$hold"
      mount -t tmpfs -o mode=755 none /root; mkdir -p "$prefix"; mount --move "$hold" "$prefix"; rmdir "$hold" ;;
  esac
  exec setpriv --reuid "$uid" --regid "$uid" --clear-groups env -u XDG_RUNTIME_DIR HOME="$HOME" TMPDIR="$HOME" "$@"
' sh "$@"
