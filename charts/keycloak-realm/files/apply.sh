#!/bin/bash
# Writes the realm into Keycloak: what is not there is made, what is there is set to what git says, and nothing is
# taken away. It can be run at any time, and ended at any time and run again.
set -euo pipefail

kcadm=${KCADM:-/opt/keycloak/bin/kcadm.sh}
config=${CONFIG:-/config}
secrets=${SECRETS:-/secrets}
login=$(mktemp)

keycloak() { "$kcadm" "$@" --config "$login"; }

# The id of what has this value in this field, if there is one.
id_of() { # path, field, value
  local found id value
  found=$(keycloak get "$1" -r "$REALM" -q "$2=$3" --fields "id,$2" --format csv --noquotes)
  while IFS=, read -r id value; do
    if [ "$value" = "$3" ]; then
      printf '%s' "$id"
      return
    fi
  done <<<"$found"
}

# Secrets reach Keycloak through a pipe: a command line is read by every process.
with_secret() { # file, name of the secret
  local text secret=""
  text=$(<"$1")
  if [ -f "$secrets/$2" ]; then
    secret=$(<"$secrets/$2")
    secret=${secret//\\/\\\\}
    secret=${secret//\"/\\\"}
  fi
  printf '%s' "${text//@secret@/"$secret"}"
}

put() { # path, field, value, file, name of the secret
  local id
  id=$(id_of "$1" "$2" "$3")
  if [ -n "$id" ]; then
    with_secret "$4" "${5:-}" | keycloak update "$1/$id" -r "$REALM" -f -
    echo "$1 $3: set"
  else
    with_secret "$4" "${5:-}" | keycloak create "$1" -r "$REALM" -f -
    echo "$1 $3: made"
  fi
}

KC_CLI_PASSWORD=$(<"$secrets/admin-password")
export KC_CLI_PASSWORD
keycloak config credentials --server "$SERVER" --realm master --user "$(<"$secrets/admin-username")"

if keycloak get "realms/$REALM" --fields realm >/dev/null 2>&1; then
  keycloak update "realms/$REALM" -f "$config/realm.json"
else
  keycloak create realms -f "$config/realm.json"
fi
keycloak update users/profile -r "$REALM" -f "$config/profile.json"

put client-scopes name groups "$config/scope-groups.json"
scope=$(id_of client-scopes name groups)
keycloak update "default-default-client-scopes/$scope" -r "$REALM" -b '{}'

for file in "$config"/client-*.json; do
  name=${file##*/client-}
  name=${name%.json}
  put clients clientId "$name" "$file" "client-$name"
  keycloak update "clients/$(id_of clients clientId "$name")/default-client-scopes/$scope" -r "$REALM" -b '{}'
done

for name in $GROUPS_OF_PEOPLE; do
  keycloak get "roles/$name" -r "$REALM" >/dev/null 2>&1 || keycloak create roles -r "$REALM" -s "name=$name"
  [ -n "$(id_of groups name "$name")" ] || keycloak create groups -r "$REALM" -s "name=$name"
  keycloak add-roles -r "$REALM" --gname "$name" --rolename "$name"
done

if [ -f "$config/ldap.json" ]; then
  put components name ldap "$config/ldap.json" ldap-password
  if [ -f "$config/ldap-groups.json" ]; then
    text=$(<"$config/ldap-groups.json")
    printf '%s' "${text//@parent@/"$(id_of components name ldap)"}" >"$login.groups"
    put components name groups "$login.groups"
  fi
fi
