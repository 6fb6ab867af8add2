package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are what the Prometheus operator adds to each series that it reads through a ServiceMonitor.
var targetLabels = []string{"namespace", "pod", "service", "endpoint", "container", "job", "instance"}

// metric is a row of the table of metrics.
type metric struct {
	histogram bool
	// Labels in their order, and the values that they can have where the table names them.
	labels []string
	values map[string][]string
}

type metrics map[string]metric

var (
	row  = regexp.MustCompile("(?m)^\\| (`(?:vpc_flow_operator|process)_[^|]*)\\|([^|]*)\\| ([^|]*)\\|$")
	code = regexp.MustCompile("`([^`]+)`")
)

func names(text string) []string {
	var found []string
	for _, match := range code.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// readMetrics reads the table: rows of "`name`, `name` | `label`, `label`: `value`, `value`; `label` | meaning".
func readMetrics(path string) (metrics, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := metrics{}
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		one := metric{histogram: strings.HasPrefix(cells[3], "histogram"), values: map[string][]string{}}
		for part := range strings.SplitSeq(cells[2], ";") {
			before, after, _ := strings.Cut(part, ":")
			one.labels = append(one.labels, names(before)...)
			if values := names(after); len(values) > 0 {
				one.values[one.labels[len(one.labels)-1]] = values
			}
		}
		for _, name := range names(cells[1]) {
			read[name] = one
		}
	}
	if len(read) == 0 {
		return nil, fmt.Errorf("%s has no table of metrics", path)
	}
	return read, nil
}

// find also knows the series that a histogram is made of.
func (m metrics) find(series string) (metric, bool) {
	if one, is := m[series]; is {
		return one, !one.histogram
	}
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		base, cut := strings.CutSuffix(series, suffix)
		if one, is := m[base]; cut && is && one.histogram {
			if suffix == "_bucket" {
				one.labels = append(slices.Clone(one.labels), labels.BucketLabel)
			}
			return one, true
		}
	}
	return metric{}, false
}

func (m metric) has(label string) bool {
	return slices.Contains(m.labels, label) || slices.Contains(targetLabels, label)
}

// checkScrape finds labels that Prometheus would rename: where a target has a label of the same name, the operator's becomes exported_….
func (m metrics) checkScrape(honorLabels bool, found *problems) {
	for name, one := range m {
		for _, label := range one.labels {
			if slices.Contains(targetLabels, label) && !honorLabels {
				found.add("%s: its label %q is that of a ServiceMonitor's target too: honorLabels must be true", name, label)
			}
		}
	}
}

// checkQuery finds metrics, labels and values that the operator does not serve.
func (m metrics) checkQuery(where, query string, found *problems) parser.Expr {
	expression, err := promqlParser.ParseExpr(query)
	if err != nil {
		found.add("%s: %v", where, err)
		return nil
	}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			m.checkMatchers(where, node.Name, node.LabelMatchers, found)
		case *parser.AggregateExpr:
			m.checkLabels(where, node.Grouping, node.Expr, found)
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				m.checkLabels(where, node.VectorMatching.MatchingLabels, node, found)
			}
		}
		return nil
	})
	return expression
}

func (m metrics) checkMatchers(where, name string, matchers []*labels.Matcher, found *problems) {
	one, is := m.find(name)
	if !is {
		found.add("%s: there is no series %s", where, name)
		return
	}
	for _, matcher := range matchers {
		if matcher.Name == labels.MetricName {
			continue
		}
		values := one.values[matcher.Name]
		if !one.has(matcher.Name) {
			found.add("%s: %s has no label %s", where, name, matcher.Name)
		} else if len(values) > 0 && !slices.ContainsFunc(values, matcher.Matches) {
			found.add("%s: the label %s of %s has no such value: %s", where, matcher.Name, name, matcher)
		}
	}
}

// checkLabels checks labels by which the series in an expression are put together.
func (m metrics) checkLabels(where string, wanted []string, expression parser.Expr, found *problems) {
	for _, selector := range selectors(expression) {
		one, _ := m.find(selector.Name)
		for _, label := range wanted {
			if !one.has(label) {
				found.add("%s: %s has no label %s", where, selector.Name, label)
			}
		}
	}
}

func selectors(expression parser.Expr) []*parser.VectorSelector {
	var all []*parser.VectorSelector
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			all = append(all, selector)
		}
		return nil
	})
	return all
}
