# People of the group platform-admins, and the job that configures. None of them may switch the audit log off.
path "*" {
  capabilities = ["create", "read", "update", "delete", "list", "sudo", "patch"]
}
path "sys/audit/*" {
  capabilities = ["create", "read", "update", "sudo"]
}
