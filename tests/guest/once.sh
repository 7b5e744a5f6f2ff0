# What is made once and kept in ${XDG_CACHE_HOME:-~/.cache}/ringside, by whichever of several runs comes first; sourced.
#   once_made NAME VERSION [FILE]   if that version of NAME is there, prints where it is (or its FILE) and exits
#   once_begin                      waits for another run that may be making it, and if that has not: $work is an empty folder
#   once_keep                       $work/out becomes what is kept; prints where it is

once_made() {
    once_name=$1 once_version=$2 once_file=${3:+/$3}
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/ringside
    out=$cache/$once_name
    if [ "$(cat "$out/version" 2>/dev/null || true)" = "$once_version" ]; then
        echo "$out$once_file"
        exit 0
    fi
}

once_begin() {
    mkdir -p "$cache"
    exec 9> "$cache/lock-$once_name"
    flock 9
    once_made "$once_name" "$once_version" ${once_file:+"${once_file#/}"}
    work=$(mktemp -d "$cache/work.XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
}

once_keep() {
    echo "$once_version" > "$work/out/version"
    rm -rf "$out"
    mv "$work/out" "$out"
    echo "$out$once_file"
}
