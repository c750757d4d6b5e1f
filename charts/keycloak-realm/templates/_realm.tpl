{{/* Each file of the realm, as Keycloak's administration API takes it. */}}
{{- define "keycloak-realm.files" }}
{{- $events := list "jboss-logging" }}
{{- $realm := dict
  "realm" .Values.realm
  "enabled" true
  "displayName" .Values.domain
  "sslRequired" "external"
  "registrationAllowed" false
  "editUsernameAllowed" false
  "loginWithEmailAllowed" true
  "duplicateEmailsAllowed" false
  "verifyEmail" (not (empty .Values.smtp))
  "resetPasswordAllowed" (not (empty .Values.smtp))
  "bruteForceProtected" true
  "failureFactor" 10
  "passwordPolicy" "length(12) and notUsername and notEmail and passwordHistory(5)"
  "accessTokenLifespan" 300
  "ssoSessionIdleTimeout" 7200
  "ssoSessionMaxLifespan" 36000
  "revokeRefreshToken" true
  "eventsEnabled" true
  "eventsExpiration" 2592000
  "eventsListeners" $events
  "adminEventsEnabled" true
  "adminEventsDetailsEnabled" true
  "smtpServer" .Values.smtp }}
realm.json: {{ toJson $realm | quote }}
{{- /* Only administrators write the address: Kubeflow knows people by it. */}}
{{- $people := dict "view" (list "admin" "user") "edit" (list "admin") }}
{{- $theirs := dict "view" (list "admin" "user") "edit" (list "admin" "user") }}
{{- $required := dict "roles" (list "admin" "user") }}
{{- $profile := dict "attributes" (list
  (dict "name" "username" "displayName" "${username}" "permissions" $people "validations" (dict "length" (dict "min" 1 "max" 255) "username-prohibited-characters" (dict)))
  (dict "name" "email" "displayName" "${email}" "required" $required "permissions" $people "validations" (dict "email" (dict) "length" (dict "max" 255)))
  (dict "name" "firstName" "displayName" "${firstName}" "permissions" $theirs "validations" (dict "length" (dict "max" 255)))
  (dict "name" "lastName" "displayName" "${lastName}" "permissions" $theirs "validations" (dict "length" (dict "max" 255)))) }}
profile.json: {{ toJson $profile | quote }}
{{- $claim := dict "claim.name" "groups" "full.path" "false" "id.token.claim" "true" "access.token.claim" "true" "userinfo.token.claim" "true" "introspection.token.claim" "true" }}
{{- $mapper := dict "name" "groups" "protocol" "openid-connect" "protocolMapper" "oidc-group-membership-mapper" "config" $claim }}
{{- $scope := dict "name" "groups" "protocol" "openid-connect" "attributes" (dict "include.in.token.scope" "true") "protocolMappers" (list $mapper) }}
scope-groups.json: {{ toJson $scope | quote }}
{{- range .Values.clients }}
{{- $public := not .vault }}
{{- $client := dict
  "clientId" .name
  "enabled" true
  "protocol" "openid-connect"
  "publicClient" $public
  "standardFlowEnabled" true
  "implicitFlowEnabled" false
  "directAccessGrantsEnabled" false
  "serviceAccountsEnabled" false
  "redirectUris" .redirects
  "webOrigins" (list "+")
  "attributes" (dict "post.logout.redirect.uris" "+") }}
{{- if $public }}
{{- $_ := set $client.attributes "pkce.code.challenge.method" "S256" }}
{{- else }}
{{- $_ := set $client "secret" "@secret@" }}
{{- end }}
client-{{ .name }}.json: {{ toJson $client | quote }}
{{- end }}
{{- with .Values.ldap }}
{{- if .enabled }}
{{- $given := dict "enabled" "true" "editMode" "READ_ONLY" "importEnabled" "true" "syncRegistrations" "false" "trustEmail" "true" "authType" "simple" "useTruststoreSpi" "always" "pagination" "true" "fullSyncPeriod" "-1" "changedSyncPeriod" "900" "bindCredential" "@secret@" }}
{{- $config := dict }}
{{- range $key, $value := merge (deepCopy .config) $given }}
{{- $_ := set $config $key (list $value) }}
{{- end }}
{{- $ldap := dict "name" "ldap" "providerId" "ldap" "providerType" "org.keycloak.storage.UserStorageProvider" "config" $config }}
ldap.json: {{ toJson $ldap | quote }}
{{- with .groupsDn }}
{{- $groups := dict "groups.dn" (list .) "group.name.ldap.attribute" (list "cn") "group.object.classes" (list "group") "membership.ldap.attribute" (list "member") "membership.attribute.type" (list "DN") "mode" (list "READ_ONLY") "preserve.group.inheritance" (list "false") "drop.non.existing.groups.during.sync" (list "false") "user.roles.retrieve.strategy" (list "LOAD_GROUPS_BY_MEMBER_ATTRIBUTE") }}
ldap-groups.json: {{ dict "name" "groups" "parentId" "@parent@" "providerId" "group-ldap-mapper" "providerType" "org.keycloak.storage.ldap.mappers.LDAPStorageMapper" "config" $groups | toJson | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
