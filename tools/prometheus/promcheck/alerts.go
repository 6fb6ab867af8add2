package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

// interval is Prometheus' default time between evaluations of rules.
const interval = time.Minute

// testFile is what `promtool test rules` reads; the chart's rules stand for its rule_files.
type testFile struct {
	Tests []test `yaml:"tests"`
}

type test struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Input    []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Cases []struct {
		At       model.Duration `yaml:"eval_time"`
		Name     string         `yaml:"alertname"`
		Expected []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

// checkAlerts runs the tests; how many there are. Each alert must have been seen to fire, and not to.
func checkAlerts(chart []rulefmt.Rule, files []string, known metrics, found *problems) (int, error) {
	count := 0
	fires, rests := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var read testFile
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&read); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		for _, test := range read.Tests {
			count++
			where := filepath.Base(file) + ": " + test.Name
			test.checkInput(where, known, found)
			if err := test.run(where, chart, found); err != nil {
				return 0, fmt.Errorf("%s: %w", where, err)
			}
			for _, one := range test.Cases {
				map[bool]map[string]bool{true: fires, false: rests}[len(one.Expected) > 0][one.Name] = true
			}
		}
	}
	for _, rule := range chart {
		if !fires[rule.Alert] || !rests[rule.Alert] {
			found.add("%s: no test shows it firing, or none shows it not firing", rule.Alert)
		}
	}
	return count, nil
}

// checkInput checks that the series are such as the operator serves, with all their labels.
func (t test) checkInput(where string, known metrics, found *problems) {
	for _, input := range t.Input {
		series, err := promqlParser.ParseMetric(input.Series)
		if err != nil {
			found.add("%s: %s: %v", where, input.Series, err)
			continue
		}
		name := series.Get(labels.MetricName)
		var matchers []*labels.Matcher
		series.Range(func(label labels.Label) {
			matchers = append(matchers, labels.MustNewMatcher(labels.MatchEqual, label.Name, label.Value))
		})
		known.checkMatchers(where, name, matchers, found)
		one, _ := known.find(name)
		for _, label := range append([]string{"namespace", "pod"}, one.labels...) {
			if !series.Has(label) {
				found.add("%s: %s lacks the label %s", where, input.Series, label)
			}
		}
	}
}

// run evaluates the rules minute by minute, as a Prometheus would.
func (t test) run(where string, chart []rulefmt.Rule, found *problems) error {
	var load strings.Builder
	fmt.Fprintf(&load, "load %s\n", t.Interval)
	for _, input := range t.Input {
		fmt.Fprintf(&load, "  %s %s\n", input.Series, input.Values)
	}
	loader, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		return err
	}
	defer loader.Close()
	alerts, err := alertingRules(chart)
	if err != nil {
		return err
	}
	query := rules.EngineQueryFunc(loader.QueryEngine(), loader.Queryable())
	checked := 0
	for since := time.Duration(0); checked < len(t.Cases); since += interval {
		now := time.Unix(0, 0).UTC().Add(since)
		loader.WithSamplesTill(now, func(failed error) { err = failed })
		for _, alert := range alerts {
			_, failed := alert.Eval(context.Background(), 0, now, query, &url.URL{}, 0)
			err = errors.Join(err, failed)
		}
		if err != nil {
			return err
		}
		for _, one := range t.Cases {
			if at := time.Duration(one.At); at < since || at >= since+interval {
				continue
			}
			checked++
			alert, is := alerts[one.Name]
			if !is {
				found.add("%s: there is no alert %s", where, one.Name)
				continue
			}
			var expected []string
			for _, alert := range one.Expected {
				all := map[string]string{labels.AlertName: one.Name}
				for name, value := range alert.Labels {
					all[name] = value
				}
				expected = append(expected, text(labels.FromMap(all), labels.FromMap(alert.Annotations)))
			}
			slices.Sort(expected)
			if firing := firing(alert); !slices.Equal(expected, firing) {
				found.add("%s: %s after %s:\n  expected %s\n  found    %s", where, one.Name, one.At, list(expected), list(firing))
			}
		}
	}
	return nil
}

func alertingRules(chart []rulefmt.Rule) (map[string]*rules.AlertingRule, error) {
	all := map[string]*rules.AlertingRule{}
	for _, rule := range chart {
		expression, err := promqlParser.ParseExpr(rule.Expr)
		if err != nil {
			return nil, err
		}
		all[rule.Alert] = rules.NewAlertingRule(rule.Alert, expression, time.Duration(rule.For), time.Duration(rule.KeepFiringFor),
			labels.FromMap(rule.Labels), labels.FromMap(rule.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	}
	return all, nil
}

func firing(rule *rules.AlertingRule) []string {
	var all []string
	for _, alert := range rule.ActiveAlerts() {
		if alert.State == rules.StateFiring {
			all = append(all, text(alert.Labels, alert.Annotations))
		}
	}
	slices.Sort(all)
	return all
}

func text(labels, annotations labels.Labels) string {
	return labels.String() + " " + annotations.String()
}

func list(alerts []string) string {
	if len(alerts) == 0 {
		return "no alert"
	}
	return strings.Join(alerts, "\n           ")
}
