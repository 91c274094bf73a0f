package main

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// renderChart prints a chart's manifests, as `helm template` does. Arguments: the chart's folder, a file of values, the
// release's namespace.
func renderChart(arguments []string) error {
	if len(arguments) != 3 {
		return fmt.Errorf("helm-template needs CHART VALUES NAMESPACE")
	}
	chart, err := loader.Load(arguments[0])
	if err != nil {
		return err
	}
	given, err := chartutil.ReadValuesFile(arguments[1])
	if err != nil {
		return err
	}
	// Checks the values against the chart's schema as well.
	release := chartutil.ReleaseOptions{Name: "outrigger", Namespace: arguments[2], IsInstall: true}
	values, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return err
	}
	files, err := engine.Render(chart, values)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		if !strings.HasPrefix(path.Base(name), "_") && !strings.HasSuffix(name, "NOTES.txt") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("---\n# %s\n%s\n", name, files[name])
	}
	return nil
}
