"""Lesson 05's GAN beside what a reader would find first."""
