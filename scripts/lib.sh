# What the scripts share; sourced, not run.

# ccache keeps what was compiled; precompiled headers need to be told that their times do not matter.
export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros,include_file_mtime,include_file_ctime}"
export CCACHE_COMPRESS="${CCACHE_COMPRESS:-1}"
# Another clone of the same sources is the same compilation: paths count from the clone's root.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$PWD}"
export CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR:-1}"

if [ -t 2 ]; then
    bold=$'\e[1m' plain=$'\e[0m'
else
    bold='' plain=''
fi

say() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }

# configure_and_build PRESET TARGET…: no target means all of them.
configure_and_build() {
    local preset=$1
    shift
    cmake --preset "$preset" >"build/configure-$preset.log" 2>&1 || {
        cat "build/configure-$preset.log" >&2
        return 1
    }
    cmake --build --preset "$preset" --parallel "${SIGNALBOX_JOBS:-$(nproc)}" ${1:+--target "$@"} >&2
}
