/// A rule of the SARIF log: what a gate's metric, or a warning's code, means.
struct FindingRule {
  /// A metric, or a warning's code: the same in every version.
  let id: String
  let title: String
  /// What it means, and what helps.
  let meaning: String
  /// The field of the spec that a reader should look at, for a finding that names none itself.
  let pointer: String

  init(_ id: String, _ title: String, _ meaning: String, at pointer: String) {
    self.id = id
    self.title = title
    self.meaning = meaning
    self.pointer = pointer
  }

  /// The rule of that id; of one that has no row, what its id says.
  static func named(_ id: String) -> FindingRule {
    all.first { $0.id == id } ?? FindingRule(id, id.replacing("_", with: " "), "See the message of the finding.", at: "")
  }

  static let all = gates + evaluation + training + operation

  private static let gates = [
    FindingRule(
      "clean_accuracy", "Accuracy on clean images",
      "The part of the test images, as they are, that the model classifies correctly. A gate passes when the whole interval keeps its bound.",
      at: "/gates"),
    FindingRule(
      "robust_accuracy", "Robust accuracy",
      """
      The part of the test images that the model classifies correctly under attack: under all attacks, unless the gate names one. A gate \
      passes when the whole interval keeps its bound; more examples make the interval narrower.
      """,
      at: "/gates"),
    FindingRule(
      "worst_class_accuracy", "Robust accuracy of the worst class",
      "The robust accuracy of the class that withstands least: a mean over all classes can hide a class that does not withstand at all.",
      at: "/gates"),
    FindingRule(
      "certified_accuracy", "Certified accuracy",
      "The part of the test images for which it is proven that no perturbation within the threat changes the prediction.", at: "/gates"),
    FindingRule(
      "median_distance", "Median distance to an adversarial image",
      "How far the nearest adversarial image of the median example lies, in the threat's norm, as far as an attack found it.", at: "/gates"),
    FindingRule(
      "no_gates", "The spec has no gates",
      "Without gates nothing is asked of the model, so the verdict is inconclusive. Add gates, for instance on robust_accuracy.",
      at: "/gates"),
    FindingRule(
      "no_verdict", "There is no verdict",
      "The job has no report: it failed, was cancelled, or has not ended. The message says why.", at: ""),
  ]

  private static let evaluation = [
    FindingRule(
      "weak_evaluation", "The evaluation is too weak for a verdict",
      "The attacks that ran are known to miss adversarial images. Evaluate with autoattack, or with apgd_ce and apgd_t.",
      at: "/evaluation/attacks"),
    FindingRule(
      "zero_gradients", "Gradients are zero",
      "Attacks that follow the gradient stand still where it is zero, so the robust accuracy says little. Add an attack that needs no gradient.",
      at: "/model"),
    FindingRule(
      "broken_gradients", "Gradients are NaN or infinite",
      "The weights have probably diverged. Lower the learning rate.", at: "/training/optimizer"),
    FindingRule(
      "pgd_weaker_than_fgsm", "Many steps do worse than one",
      "An attack of many steps must find at least what one step finds: gradients are masked, or its step size is wrong.",
      at: "/evaluation/attacks"),
    FindingRule(
      "noise_beats_attack", "Noise finds what an attack missed",
      "Following the gradient is worse than guessing: gradients are masked, or the attack has the wrong settings.",
      at: "/evaluation/attacks"),
    FindingRule(
      "bound_broken", "An attack left its bound",
      "Its images were projected back before they were counted, so the attack is weaker than it looks.", at: "/evaluation/attacks"),
    FindingRule(
      "prediction_not_repeatable", "Predictions differ from one time to the next",
      "The model is random, so one prediction of an image says little.", at: "/model"),
    FindingRule(
      "zero_epsilon_differs", "An attack of epsilon 0 changes the accuracy",
      "The same images got different answers, so no accuracy of this report can be relied on.", at: "/model"),
    FindingRule(
      "accuracy_rises_with_epsilon", "Accuracy rises with epsilon",
      "The larger ball contains the smaller, so the attack fails at the larger one. Use more steps or restarts.", at: "/evaluation/curve"),
    FindingRule(
      "above_chance_at_large_epsilon", "Above chance where every image can be the same grey",
      "The attack misses adversarial images that exist.", at: "/evaluation/curve"),
    FindingRule(
      "softmax_outputs", "Outputs are probabilities already",
      "A softmax over probabilities hides how sure the model is, and its gradients vanish. Let the network give logits.", at: "/model"),
    FindingRule(
      "randomised_model", "The model answers one image in two ways",
      "A random model is attacked in expectation: set eot_samples, or evaluate with autoattack.", at: "/evaluation/attacks"),
    FindingRule(
      "constant_classifier", "The model gives every image the same class",
      "It withstands every attack and knows nothing.", at: "/model"),
    FindingRule(
      "black_box_beats_white_box", "A search without gradients finds what gradients missed",
      "Usual to a small extent; far beyond that gradients are masked.", at: "/evaluation/attacks"),
    FindingRule(
      "black_box_finds_more", "More queries find more",
      "The search without gradients had not ended. Give it more queries.", at: "/evaluation/attacks"),
    FindingRule(
      "noise_finds_more", "Noise finds what every attack missed",
      "Following the gradient is worse than guessing: gradients are masked, or the attacks have the wrong settings.",
      at: "/evaluation/attacks"),
    FindingRule(
      "unbounded_attack_fails", "An attack without a bound fails",
      "Without a bound every image can be made one of another class, so an attack that does not get there is at fault.",
      at: "/evaluation/attacks"),
    FindingRule(
      "not_converged", "An attack has not converged",
      "With twice its iterations it finds more. Give it more steps or restarts.", at: "/evaluation/attacks"),
    FindingRule(
      "attack_out_of_reach", "An attack cannot reach the bound",
      "Its steps together are shorter than epsilon. Raise steps or step_size.", at: "/evaluation/attacks"),
    FindingRule(
      "nonadaptive_attack", "The attacks do not see the preprocessing",
      "A defence that the attack does not know of is measured too well. Let evaluation.adaptive be true.", at: "/evaluation/adaptive"),
    FindingRule(
      "class_without_examples", "A class without examples",
      "Nothing is known of a class of which no test image was evaluated.", at: "/evaluation/samples"),
    FindingRule(
      "test_images_in_training", "Test images stand in the training part",
      "On them the model may have learnt the answers. Take them out of one of the two parts.", at: "/dataset"),
    FindingRule(
      "evaluation_not_stronger", "The evaluation is not stronger than the training",
      "A model can learn to resist just the attack that it was trained on. Evaluate with a stronger one.", at: "/evaluation/attacks"),
    FindingRule(
      "few_classes", "Few classes", "Losses that compare several wrong classes are not defined, and guessing alone is often right.",
      at: "/dataset"),
    FindingRule(
      "sample_too_small", "The sample is too small for the gate",
      "The interval contains the bound. Evaluate more examples, or move the bound.", at: "/evaluation/samples"),
  ]

  private static let training = [
    FindingRule(
      "too_few_adversarial_examples", "Too few or too weak adversarial examples",
      "The model sees too little of what it shall withstand. Raise adversarial_fraction, or the strength of the training's attack.",
      at: "/training/adversarial_fraction"),
    FindingRule(
      "adversarial_images_made_once", "The adversarial images were made once",
      "The network learns to know the base model's adversarial images, and withstands little else. Let training.attack.source be current.",
      at: "/training/attack/source"),
    FindingRule(
      "no_validation", "No validation part",
      "Overfitting goes unseen, and the checkpoint is the last one. Hold out a part of the training data.",
      at: "/dataset/validation_fraction"),
    FindingRule(
      "small_validation", "A validation part too small to choose by",
      "The checkpoint is chosen by chance among those that are near the best. Hold out at least a hundred images.",
      at: "/dataset/validation_fraction"),
    FindingRule(
      "few_updates", "Too few updates", "Adversarial training needs hundreds or thousands. Train for more epochs, or in smaller batches.",
      at: "/training/epochs"),
    FindingRule(
      "begun_again", "Training began again at a lower rate",
      "At the rate asked for the network learnt nothing. Ask for the lower rate, or give the rate or epsilon a warm-up.",
      at: "/training/optimizer"),
    FindingRule(
      "cannot_learn", "The network does not learn",
      "Nothing was learnt at a tenth of the rate either. Look at the labels, epsilon and the network.", at: "/training/optimizer"),
    FindingRule(
      "stopped_while_improving", "Training stopped while it still improved", "More epochs would probably give more.", at: "/training/epochs"
    ),
    FindingRule(
      "new_last_layer", "The last layer begins anew",
      "The weights that training begins with are those of a network for other classes. Only the last layer depends on their count.",
      at: "/model/init"),
    FindingRule(
      "tensors_left_out", "The file of the weights holds more than the network",
      "What is of no layer of the network was not used. See whether the network is the one that the file is of.", at: "/model/init"),
    FindingRule(
      "single_value_batch_norm", "Batch norm over a single value",
      "A batch of one image leaves nothing to normalise. Choose another batch_size or limit.", at: "/training/batch_size"),
    FindingRule(
      "selected_at_chance", "The chosen weights are at chance",
      "No epoch withstood the attack better than guessing does. The model learnt nothing that an attack does not take away.",
      at: "/training/select"),
    FindingRule(
      "catastrophic_overfitting", "Catastrophic overfitting",
      "The model learnt to fool the training's attack instead of resisting it (Wong et al. 2020).", at: "/training/attack"),
    FindingRule(
      "robust_overfitting", "Robust overfitting",
      "The robust accuracy has passed its best (Rice et al. 2020). Select best_robust, or train for fewer epochs.", at: "/training/epochs"),
  ]

  /// What befell the run on its machine; it says nothing of the model.
  private static let operation = [
    FindingRule(
      "saved_state_damaged", "A saved state was damaged or missing",
      "The run went on from an earlier one. Look at the disk of the service.", at: ""),
    FindingRule(
      "mixed_engine", "Two versions of the engine", "The run was begun by one version and ended by another, so its bits are of neither.",
      at: ""),
    FindingRule(
      "optimizer_begins_anew", "The optimiser began anew",
      "The job goes on from the last checkpoint of another one, whose optimiser was no longer there.", at: "/training/extensions"),
    FindingRule("disk_full", "The disk was full", "The job waited until there was room again.", at: ""),
    FindingRule("storage_gone", "The data directory was not there", "The job waited until it was back.", at: ""),
    FindingRule("storage_not_writable", "The data directory could not be written", "The job waited until it could.", at: ""),
    FindingRule(
      "database_locked", "The database was locked", "The job waited until the process that held the lock gave it up.", at: ""),
    FindingRule("out_of_descriptors", "No file descriptor was left", "The job waited until there was one.", at: ""),
  ]
}
