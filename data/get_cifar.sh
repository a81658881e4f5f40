#!/bin/sh
# SPDX-License-Identifier: MIT
# Downloads CIFAR-10 or CIFAR-100 (binary version) and unpacks it into DIR; see usage() below.
# The archive is checked before it is unpacked, and the folder appears only when it is complete. What was downloaded
# before an interruption is kept in DIR/<archive>.part and continued.
set -eu

usage() {
  cat <<END
usage: data/get_cifar.sh [--url URL]... [--md5 SUM] [10|100] DIR
  10|100       which CIFAR; 10 when left out
  --url URL    where the archive lies: a mirror, or file:///path; several are tried in turn (default: $official)
  --md5 SUM    checksum of the archive (default: the published one)
END
}

die() {  # EXIT_CODE MESSAGE
  echo "get_cifar: error: $2" >&2
  exit "$1"
}

official=https://www.cs.toronto.edu/~kriz
kind="" dir="" urls="" md5=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage; exit 0 ;;
    --url|--md5)
      [ $# -ge 2 ] || die 2 "$1: no value; expected one. See --help"
      case "$2" in ''|*[[:space:]]*) die 2 "$1: '$2' is empty or holds a blank; expected none (%20 in a URL)" ;; esac
      if [ "$1" = --url ]; then urls="$urls $2"; else md5=$2; fi
      shift ;;
    -*) die 2 "$1: unknown option; expected --url or --md5. See --help" ;;
    *)
      if [ -z "$dir" ] && [ -z "$kind" ] && { [ "$1" = 10 ] || [ "$1" = 100 ]; }; then
        kind=$1
      elif [ -z "$dir" ] && [ -n "$1" ]; then
        dir=$1
      else
        die 2 "'$1': one argument too many; expected [10|100] DIR. See --help"
      fi ;;
  esac
  shift
done
[ -n "$dir" ] || die 2 "no DIR; expected the folder to unpack into. See --help"
case "$dir" in -*) dir=./$dir ;; esac
case "${kind:-10}" in
  10) archive=cifar-10-binary.tar.gz folder=cifar-10-batches-bin last=test_batch.bin
      published=c32a1d4ab5d03f1284b67883e8d87530 ;;
  100) archive=cifar-100-binary.tar.gz folder=cifar-100-binary last=test.bin
       published=03b5dce01913d631647c71ecec9e9cb8 ;;
esac
md5=${md5:-$published}
urls=${urls:-$official/$archive}
part=$dir/$archive.part

if [ -e "$dir/$folder/$last" ]; then
  echo "$dir/$folder is already there"
  exit 0
fi
for tool in curl md5sum tar gzip; do
  command -v $tool >/dev/null || die 5 "$tool: not installed; expected it for the download. Install the package $tool"
done
mkdir -p -- "$dir" || die 5 "$dir: cannot be created"

sum_of_part() { [ -e "$part" ] && md5sum <"$part" | cut -d ' ' -f 1; }

# Downloads what $part still lacks. 0: complete and right; 1: wrong bytes or not to be continued; 2: not to be had.
fetch() {  # URL
  echo "downloading $1"
  code=0
  http=$(curl --fail --location --retry 3 --continue-at - --write-out '%{http_code}' --output "$part" -- "$1") || code=$?
  case "$code:$http" in
    0:*) ;;
    33:*|36:*|22:416) return 1 ;;  # no ranges, or none that begins where $part ends
    *) return 2 ;;
  esac
  found=$(sum_of_part)
  [ "$found" = "$md5" ] && return 0
  echo "$1: MD5 $found; expected $md5" >&2
  return 1
}

whole=no
if [ "$(sum_of_part || true)" = "$md5" ]; then whole=yes; fi
for url in $urls; do
  [ $whole = no ] || break
  continued=no
  [ ! -s "$part" ] || continued=yes
  result=0
  fetch "$url" || result=$?
  if [ $result = 1 ]; then  # what comes after a wrong start cannot repair it
    rm -f -- "$part"
    if [ $continued = yes ]; then
      result=0
      fetch "$url" || result=$?
      [ $result != 1 ] || rm -f -- "$part"
    fi
  fi
  [ $result != 0 ] || whole=yes
done
if [ $whole = no ]; then
  die 3 "$archive: no URL gave the archive with MD5 $md5. Run it again to continue, or give a mirror with --url"
fi

unpacked=$dir/.unpacking-$archive
rm -rf -- "$unpacked"
mkdir -- "$unpacked"
tar -xzf "$part" -C "$unpacked" || die 5 "$part: cannot be unpacked into $dir"
[ -e "$unpacked/$folder/$last" ] || die 3 "$archive: holds no $folder/$last; expected the binary version"
rm -rf -- "${dir:?}/$folder"
mv -- "$unpacked/$folder" "$dir/$folder"
rm -rf -- "$unpacked" "$part"
echo "$dir/$folder is ready: salutrain --dataset cifar${kind:-10} --data-dir $dir"
