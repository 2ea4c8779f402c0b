"""Networks for pictures: AlexNet, the two players of a GAN, and measures of what they make."""

from helpers.vision.alexnet import *
from helpers.vision.gan import *
from helpers.vision.gan_metrics import *
