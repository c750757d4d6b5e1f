{{- define "wanted" -}}
server: {{ required "server" .Values.server }}
authority: /tls/ca.crt
domain: {{ required "domain" .Values.domain }}
shares: {{ .Values.shares }}
threshold: {{ .Values.threshold }}
transit: {{ toJson .Values.transit }}
forms: {{ toJson .Values.forms }}
generated: {{ toJson .Values.generated }}
roles:
  - { name: vault-configuration, account: vault-configuration, namespace: {{ .Release.Namespace }}, policy: administrators }
  - { name: vault-snapshots, account: vault-snapshots, namespace: {{ .Release.Namespace }}, policy: snapshots }
  - { name: external-secrets, account: external-secrets, namespace: external-secrets, policy: external-secrets }
  - { name: cert-manager, account: vault-issuer, namespace: cert-manager, policy: cert-manager }
  {{- range .Values.projects }}
  - { name: project-{{ .name }}, account: external-secrets, namespace: external-secrets, policy: project-{{ .name }} }
  {{- end }}
{{- end }}
