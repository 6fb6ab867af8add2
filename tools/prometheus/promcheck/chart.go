package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

// chart is what the rendered chart has for Prometheus and Grafana.
type chart struct {
	rules       []rulefmt.Rule
	honorLabels bool
	dashboard   dashboard
}

type manifest struct {
	Kind string            `yaml:"kind"`
	Spec yaml.Node         `yaml:"spec"`
	Data map[string]string `yaml:"data"`
}

func readChart(path string) (chart, error) {
	file, err := os.Open(path)
	if err != nil {
		return chart{}, err
	}
	defer file.Close()
	var read chart
	documents := yaml.NewDecoder(file)
	for {
		var object manifest
		if err := documents.Decode(&object); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return chart{}, fmt.Errorf("%s: %w", path, err)
		}
		if err := read.add(object); err != nil {
			return chart{}, fmt.Errorf("%s: %s: %w", path, object.Kind, err)
		}
	}
	if len(read.rules) == 0 || len(read.dashboard.Panels) == 0 {
		return chart{}, fmt.Errorf("%s has no PrometheusRule or no dashboard", path)
	}
	return read, nil
}

func (c *chart) add(object manifest) error {
	switch object.Kind {
	case "PrometheusRule":
		return c.addRules(object.Spec)
	case "ServiceMonitor":
		var spec struct {
			Endpoints []struct {
				HonorLabels bool `yaml:"honorLabels"`
			} `yaml:"endpoints"`
		}
		if err := object.Spec.Decode(&spec); err != nil {
			return err
		}
		c.honorLabels = len(spec.Endpoints) == 1 && spec.Endpoints[0].HonorLabels
	case "ConfigMap":
		for _, text := range object.Data {
			return json.Unmarshal([]byte(text), &c.dashboard)
		}
	}
	return nil
}

// addRules reads them as Prometheus reads a file of rules: it refuses unknown fields, and wrong queries and templates.
func (c *chart) addRules(spec yaml.Node) error {
	text, err := yaml.Marshal(&spec)
	if err != nil {
		return err
	}
	groups, failures := rulefmt.Parse(text, false, model.UTF8Validation, promqlParser, slog.New(slog.DiscardHandler))
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	for _, group := range groups.Groups {
		c.rules = append(c.rules, group.Rules...)
	}
	return nil
}
