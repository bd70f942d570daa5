package weave

import "time"

// Feedback is what somebody or something thinks of a call or an object.
type Feedback struct {
	// Type is any name that does not begin with "wandb.", or "wandb.annotation.NAME", "wandb.runnable.NAME".
	Type string
	// Payload is a JSON object; {"value": …} for an annotation, {"output": …} for a runnable.
	Payload any
	// Creator is who gives it; "" for the account that syncs.
	Creator string
	// What the type asks for: AnnotationRef, or RunnableRef and CallRef.
	AnnotationRef, RunnableRef, CallRef string
}

// CreateFeedback gives feedback on a call, by its id or reference, or on an object, by its reference; the feedback's id.
func (c *Client) CreateFeedback(target string, feedback Feedback) (string, error) {
	payload, err := encode("payload", feedback.Payload)
	if err != nil {
		return "", err
	}
	refs := map[string]string{}
	for key, ref := range map[string]string{
		"annotation_ref": feedback.AnnotationRef, "runnable_ref": feedback.RunnableRef, "call_ref": feedback.CallRef,
	} {
		if ref != "" {
			refs[key] = ref
		}
	}
	var refsJSON []byte
	if len(refs) > 0 {
		if refsJSON, err = encode("refs", refs); err != nil {
			return "", err
		}
	}
	id, err := c.native.CreateFeedback(target, feedback.Type, payload, refsJSON, feedback.Creator)
	return id, fault(err)
}

// AddReaction adds exactly one emoji; the feedback's id.
func (c *Client) AddReaction(target, emoji string) (string, error) {
	id, err := c.native.AddReaction(target, emoji)
	return id, fault(err)
}

// AddNote adds a note of 1 to 1024 characters; the feedback's id.
func (c *Client) AddNote(target, note string) (string, error) {
	id, err := c.native.AddNote(target, note)
	return id, fault(err)
}

// Cost is what a model costs.
type Cost struct {
	PromptToken        float64   `json:"-"`                                    // one token that goes in
	CompletionToken    float64   `json:"-"`                                    // one token that comes out
	PromptUnit         string    `json:"prompt_token_cost_unit,omitempty"`     // "USD" by default
	CompletionUnit     string    `json:"completion_token_cost_unit,omitempty"` // "USD" by default
	CacheReadInput     float64   `json:"cache_read_input_token_cost,omitempty"`
	CacheCreationInput float64   `json:"cache_creation_input_token_cost,omitempty"`
	Provider           string    `json:"provider_id,omitempty"`
	EffectiveDate      time.Time `json:"effective_date,omitzero"`
}

// CreateCost sets the prices of a model in the project; servers compute the costs of calls from usage and prices.
func (c *Client) CreateCost(model string, cost Cost) error {
	options, err := encode("cost", cost)
	if err != nil {
		return err
	}
	return fault(c.native.CreateCost(model, cost.PromptToken, cost.CompletionToken, options))
}
