package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name string `json:"name"`
			// A text where it chooses a data source, an object where it asks one.
			Query any `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	Title   string `json:"title"`
	Targets []struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	} `json:"targets"`
}

var (
	labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	// As Grafana puts them in.
	variables = strings.NewReplacer("$namespace", "vpc-flow-system", "$__rate_interval", "5m")
)

// check checks each query, and how many there are.
func (d dashboard) check(known metrics, found *problems) int {
	queries := 0
	for _, variable := range d.Templating.List {
		asked, is := variable.Query.(map[string]any)
		if !is {
			continue
		}
		queries++
		where := "variable " + variable.Name
		parts := labelValues.FindStringSubmatch(fmt.Sprint(asked["query"]))
		if parts == nil {
			found.add("%s: not a query for the values of a label: %v", where, asked["query"])
			continue
		}
		known.checkQuery(where, fmt.Sprintf("count by (%s) (%s)", parts[2], parts[1]), found)
	}
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			queries++
			query := variables.Replace(target.Expr)
			where := "panel " + panel.Title
			if strings.Contains(query, "$") {
				found.add("%s: a variable that there is not: %s", where, query)
			} else if expression := known.checkQuery(where, query, found); expression != nil {
				if err := known.checkResult(expression, target.LegendFormat); err != nil {
					found.add("%s: %s: %v", where, query, err)
				}
			}
		}
	}
	return queries
}

// checkResult asks for the query while two pods serve all that it selects: there must be an answer, with the labels that the legend shows.
func (m metrics) checkResult(expression parser.Expr, legend string) error {
	loader, err := promqltest.NewLazyLoader("load 1m\n"+m.samples(expression), promqltest.LazyLoaderOpts{})
	if err != nil {
		return err
	}
	defer loader.Close()
	now := time.Unix(0, 0).UTC().Add(20 * time.Minute)
	loader.WithSamplesTill(now, func(failed error) { err = failed })
	if err != nil {
		return err
	}
	query, err := loader.QueryEngine().NewInstantQuery(context.Background(), loader.Queryable(), nil, expression.String(), now)
	if err != nil {
		return err
	}
	defer query.Close()
	result := query.Exec(context.Background())
	vector, err := result.Vector()
	if err != nil {
		return err
	}
	return checkLegend(vector, legend)
}

func checkLegend(vector promql.Vector, legend string) error {
	if len(vector) == 0 {
		return fmt.Errorf("no answer")
	}
	for _, label := range legendLabel.FindAllStringSubmatch(legend, -1) {
		for _, sample := range vector {
			if sample.Metric.Get(label[1]) == "" {
				return fmt.Errorf("the legend shows the label %s, which the answer %s does not have", label[1], sample.Metric)
			}
		}
	}
	return nil
}

// samples are series of two pods that grow for half an hour.
func (m metrics) samples(expression parser.Expr) string {
	lines := map[string]bool{}
	for _, selector := range selectors(expression) {
		one, _ := m.find(selector.Name)
		for _, pod := range []string{"a", "b"} {
			for _, bound := range []string{"1", "+Inf"} {
				series := map[string]string{labels.MetricName: selector.Name}
				for _, label := range append(targetLabels, one.labels...) {
					series[label] = "any"
				}
				for _, matcher := range selector.LabelMatchers {
					series[matcher.Name] = matcher.Value
				}
				series["pod"], series["instance"] = pod, pod
				if _, is := series[labels.BucketLabel]; is {
					series[labels.BucketLabel] = bound
				}
				lines[labels.FromMap(series).String()+" 0+10x30\n"] = true
			}
		}
	}
	var text strings.Builder
	for line := range lines {
		text.WriteString(line)
	}
	return text.String()
}
