# Shared by the scripts here; sourced, never run. Sets `root`, steps into it, and keeps every write inside it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

# Debian's own Python: whatever else stands first in PATH may lack pip or be another version.
python=/usr/bin/python3

export TMPDIR=$root/.deps/tmp
export PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_REQUIRE_VIRTUALENV=0
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER PIP_ROOT PIP_REQUIREMENT PIP_NO_BINARY

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

# stop WHAT REMEDY: one line with what is missing, one with what to do about it.
stop() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

mkdir -p "$TMPDIR" 2>/dev/null && [ -w "$root" ] && [ -w "$TMPDIR" ] || stop "$root cannot be written to" \
  "run this as the owner of the folder ($(stat -c %U "$root"))"

# need_packages NAME…: installs the Debian packages of these that are missing.
need_packages() {
  local missing=() name
  command -v dpkg-query >/dev/null || stop "this is not Debian: dpkg is missing" \
    "Lakeward is set up on Debian 12; elsewhere install what these packages hold by hand: $*"
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "Debian packages are missing and there is no sudo" \
      "as root: apt-get update && apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp apt-get -qq -o Dpkg::Use-Pty=0)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    >"$TMPDIR/apt.log" 2>&1 </dev/null; then
    tail -n 5 "$TMPDIR/apt.log" >&2
    stop "the Debian packages could not be installed (network, or no permission)" \
      "as root: apt-get update && apt-get install ${missing[*]}"
  fi
}

# pip_failed LOG WHAT: says why a download did not come, in one line and pip's last words.
pip_failed() {
  tail -n 5 "$1" >&2
  if grep -q 'DO NOT MATCH THE HASHES' "$1"; then
    stop "$2 is not the file that this version of Lakeward was tested with (its SHA-256 differs)" \
      "do not use it; see scripts/requirements/"
  fi
  stop "$2 could not be fetched" \
    "the first set-up needs the network (pip's own settings are honoured: index, proxy, certificates)"
}

# make_environment FOLDER REQUIREMENTS WHAT: a Python environment with exactly these packages.
make_environment() {
  local folder=$1 requirements=$2 what=$3 wanted
  # An environment holds its own path, so one that has been moved is made again.
  wanted="$(sha256sum "$requirements" | cut -d' ' -f1) $root/$folder"
  if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$wanted" ] && [ -x "$folder/bin/python" ]; then return 0; fi
  say "installing $what into $folder"
  rm -rf "$folder"
  "$python" -m venv "$folder" || stop "python3 -m venv failed" "as root: apt-get install python3-venv"
  "$folder/bin/python" -m pip install --quiet --no-deps --require-hashes --only-binary=:all: --no-compile \
    --requirement "$requirements" >"$TMPDIR/pip.log" 2>&1 || pip_failed "$TMPDIR/pip.log" "a package of $what"
  printf '%s\n' "$wanted" >"$folder/stamp"
}
