{{- /* Written by `make manifests` from deploy/manifests. Change those, not this. */}}

{{- define "outrigger.suffix" -}}
{{- if ne .Values.revision "default" -}}
-{{ .Values.revision }}
{{- end -}}
{{- end -}}
