#!/bin/sh
# The floor: what carrying out one order costs with bare git and nothing else. Order: MIRROR REMOTE WORKSPACE BRANCH FILE
set -e
mirror=$1 remote=$2 workspace=$3 branch=$4 file=$5
[ -d "$mirror" ] || git init --quiet --bare "$mirror"
git --git-dir="$mirror" fetch --quiet --no-tags "$remote" +refs/heads/main:refs/heads/main
git clone --quiet --shared --branch main "$mirror" "$workspace"
mkdir -p "$(dirname "$workspace/$file")"
printf 'A note.\n' > "$workspace/$file"
git -C "$workspace" add --all
git -C "$workspace" commit --quiet --message 'Write a note'
git -C "$workspace" push --quiet "$remote" "HEAD:refs/heads/$branch"
rm -rf "$workspace"
