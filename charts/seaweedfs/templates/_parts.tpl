{{- /* Where the pods of a part go. */}}
{{- define "apart" -}}
labels:
  sidecar.istio.io/inject: "false" # its parts speak TLS themselves
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- range $key, $weight := dict "topology.kubernetes.io/zone" 100 "kubernetes.io/hostname" 50 }}
      - weight: {{ $weight }}
        podAffinityTerm:
          topologyKey: {{ $key }}
          labelSelector:
            matchLabels: { app.kubernetes.io/component: {{ $.part }}, app.kubernetes.io/name: seaweedfs }
      {{- end }}
podSecurityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
containerSecurityContext:
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
{{- end }}
