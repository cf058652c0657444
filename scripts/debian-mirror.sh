# Sourced by the scripts that make an image from Debian packages.
# shellcheck shell=bash

# The first Debian archive that this machine's own apt sources name.
debian_mirror() {
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs:[[:space:]]*//p'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null \
      | sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p'
  } | tr ' ' '\n' | grep -E '/debian/?$' | head -n 1
}
