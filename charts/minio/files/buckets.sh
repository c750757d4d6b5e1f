# Make what is missing: each bucket, its user with the keys from Vault, and what that user may do. Never take away.
# Keys come from files and go to standard input; the arguments of a program can be seen by others.
set -eu
export MC_HOST_minio="https://$(cat /root-user/user):$(cat /root-user/password)@${ENDPOINT#https://}"

mc ready minio >/dev/null
for bucket in $BUCKETS; do
  mc mb --ignore-existing "minio/$bucket" >/dev/null
  printf '%s\n' "$(cat "/keys/$bucket.access")" "$(cat "/keys/$bucket.secret")" |
    mc admin user add minio >/dev/null
  cat >"/tmp/$bucket.json" <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::$bucket", "arn:aws:s3:::$bucket/*"] }
  ]
}
POLICY
  mc admin policy create minio "$bucket" "/tmp/$bucket.json" >/dev/null
  # An attached policy that is attached again is an error, so the list of its users decides.
  user=$(cat "/keys/$bucket.access")
  mc admin policy entities minio --policy "$bucket" --json | grep -q "\"$user\"" ||
    mc admin policy attach minio "$bucket" --user "$user" >/dev/null
  echo "bucket $bucket"
done
