# Tell MinIO who confirms tokens of people. Policies are named by their claim `groups`, so that a group has what the
# policy of its name allows. The client's secret goes by standard input: arguments can be seen by others.
set -eu
export MC_HOST_minio="https://$(cat /root-user/user):$(cat /root-user/password)@${ENDPOINT#https://}"

mc ready minio >/dev/null
policy=/tmp/platform-admins.json
printf '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","admin:*"]}]}' >"$policy"
mc admin policy create minio platform-admins "$policy" >/dev/null
{
  printf 'identity_openid:platform config_url="%s/.well-known/openid-configuration" ' "$ISSUER"
  printf 'client_id="minio" client_secret="%s" ' "$(cat /client/client-secret)"
  printf 'claim_name="groups" scopes="openid,email,groups"\n'
} | mc admin config import minio >/dev/null
mc admin service restart minio --wait >/dev/null
echo "tokens of $ISSUER"
