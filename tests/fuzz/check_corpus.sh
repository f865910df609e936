#!/usr/bin/env bash
# Fails where a binary file of the corpora is not what their generator writes.
#
#   check_corpus.sh GENERATOR CORPUS-FOLDER
#
# To write them anew: GENERATOR CORPUS-FOLDER.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf -- "$made"' EXIT
"$1" "$made"
cd -- "$made"
failed=0
while IFS= read -r file; do
  cmp -- "$file" "$2/$file" || failed=1
done < <(find . -type f)
((failed == 0)) || echo "write them anew: $1 $2"
exit "$failed"
