# cert-manager has certificates signed by the platform's authority.
path "pki/sign/platform" {
  capabilities = ["create", "update"]
}
