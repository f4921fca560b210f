#!/bin/bash
# The documentation is true where a script can tell: relative links lead somewhere, each page is linked from
# README, make targets exist, the page of messages is the table of the firmware, the museum's page has its tests.
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C.UTF-8
echo 1..5
# Headings as GitHub makes anchors of them.
anchors() { sed -n 's/^##* //p' "$1" | tr A-Z a-z | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }
bad= n=0
while IFS=: read -r file link; do
    link=${link#](}; link=${link%)}; n=$((n + 1))
    case $link in http* | mailto*) continue ;; esac
    target=${link%%#*}
    if [ -n "$target" ]; then target=$(dirname "$file")/$target; else target=$file; fi
    case $link in *#*) anchors "$target" 2>/dev/null | grep -qxF "${link#*#}" ;; *) [ -e "$target" ] ;; esac ||
        bad="$bad"$'\n'"# $file: $link"
done < <(grep -o ']([^)]*)' README.md CONTRIBUTING.md docs/*.md)
[ -z "$bad" ] && echo "ok 1 - $n links" || echo "not ok 1 - links lead nowhere:$bad"
bad=
for word in $(grep -o '`make [a-z-]*`' README.md docs/*.md CONTRIBUTING.md 2>/dev/null | sed 's/.*`make \(.*\)`/\1/' | sort -u); do
    make -n "$word" >/dev/null 2>&1 || bad="$bad make-$word"
done
[ -z "$bad" ] && echo "ok 2 - make targets in the documentation" || echo "not ok 2 - no such target:$bad"
# Every message has its line: number, name and sentence as in the table of the firmware.
bad=$(tr '\n' ' ' <boot/core/messages.inc | grep -o 'X([0-9]*, [A-Z_]*, [^"]*"[^"]*")' |
    sed 's/X(\([0-9]*\), \([A-Z_]*\),[^"]*"\([^"]*\)")/\1 \2|\3/' |
    while IFS='|' read -r head sentence; do
        grep -F "| $head |" docs/messages.md | grep -qF "*$sentence*" || echo "# $head: $sentence"
    done)
n=$(grep -c '^X(' boot/core/messages.inc)
m=$(grep -cE '^\| [0-9]+ [A-Z_]+ \|' docs/messages.md)
if [ -z "$bad" ] && [ "$n" = "$m" ]; then echo "ok 3 - docs/messages.md has all $n messages"
else echo "not ok 3 - docs/messages.md differs from boot/core/messages.inc ($n and $m messages)"; echo "$bad"; fi
# Each row of the museum ends with `FILE: NAME`, a test there is; each test of the museum has a row.
page=docs/museum.md bad=
while IFS=: read -r file name; do
    grep -qE "cmocka_unit_test[a-z_]*\(${name# }[,)]" "test/board/$file" 2>/dev/null || bad="$bad"$'\n'"# no test: $file:$name"
done < <(grep -o '`[a-z_/]*test_[a-z_]*\.c: [^`]*` |$' $page | tr -d '`|' | sed 's/ *$//')
[ "$(grep -c '^|.*|$' $page)" = $(($(grep -c '`[a-z_/]*test_[a-z_]*\.c: [a-z0-9A-Z_]*` |$' $page) + 2 * $(grep -c '^|--' $page))) ] ||
    bad="$bad"$'\n'"# a row without a test"
for file in test/board/museum/test_*.c; do
    for name in $(grep -o 'cmocka_unit_test[a-z_]*([a-zA-Z0-9_]*' $file | sed 's/.*(//'); do
        [ $name = without_a_mistake ] || grep -qF "\`museum/${file##*/}: $name\`" $page || bad="$bad"$'\n'"# no row: $file: $name"
    done
done
[ -z "$bad" ] && echo "ok 4 - $page and the tests" || echo "not ok 4 - $page and the tests differ:$bad"
# Who reads on from README finds every page.
bad=
for file in docs/*.md; do grep -qF "]($file)" README.md || bad="$bad $file"; done
[ -z "$bad" ] && echo "ok 5 - README leads to every page" || echo "not ok 5 - README does not lead to$bad"
