# Sourced by scripts that need registries: `serve PROGRAM [LAYOUT]` starts an embedded one and puts its address into $address.
# Each ends by itself when the script does, because its stdin ends then.
serve() {
    local folder
    folder=$(mktemp -d)
    mkfifo "$folder/address"
    exec {held}> >(exec "$@" >"$folder/address")
    read -r address <"$folder/address"
    rm -r "$folder"
}
