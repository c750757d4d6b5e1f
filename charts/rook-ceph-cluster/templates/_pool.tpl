{{- define "pool" -}}
failureDomain: {{ ternary "zone" "host" (gt (int .Values.replicas) 1) }}
replicated:
  size: {{ .Values.replicas }}
  requireSafeReplicaSize: {{ gt (int .Values.replicas) 1 }}
{{- end }}
