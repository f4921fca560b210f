#!/bin/bash
# Relative links in the documentation lead somewhere, and make targets and files that README names exist.
cd "$(dirname "$0")/../.." || exit 1
echo 1..2
bad=
while IFS=: read -r file link; do
    target=${link#](}; target=${target%)}; target=${target%%#*}
    case $target in ''|http*|mailto*) continue ;; esac
    [ -e "$(dirname "$file")/$target" ] || bad="$bad"$'\n'"# $file: $target"
done < <(git ls-files '*.md' | xargs grep -o ']([^)]*)' )
[ -z "$bad" ] && echo "ok 1 - links" || echo "not ok 1 - links lead nowhere:$bad"
bad=
for word in $(grep -o '`make [a-z-]*`' README.md docs/*.md CONTRIBUTING.md 2>/dev/null | sed 's/.*`make \(.*\)`/\1/' | sort -u); do
    make -n "$word" >/dev/null 2>&1 || bad="$bad make-$word"
done
[ -z "$bad" ] && echo "ok 2 - make targets in the documentation" || echo "not ok 2 - no such target:$bad"
